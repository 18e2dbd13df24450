"""`doctor` in a clone: before the set-up it says what will set it up, afterwards that all is in order."""


def test_doctor_tells_what_is_set_up_and_what_is_not(clone):
    before = clone.run("doctor")
    assert before.code == 1
    assert "MEND  requirements.txt" in before.out
    assert "it is set up by the command: lab" in before.out
    assert not clone.venv.exists()
    clone.run("lab")
    after = clone.run("doctor")
    assert after.code == 0, after.out
    assert "ok    requirements.txt" in after.out
    assert "note  requirements-test.txt" in after.out
