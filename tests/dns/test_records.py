"""Answers and records as values, and the names outside the cluster."""

import pytest

from k8snet_course.dns import TYPES, Answer, Outside, Rcode, Record
from k8snet_course.errors import InvalidAddress, InvalidArgument, InvalidName


def test_an_answer_prints_its_sections():
    a = Record("web.default.svc.cluster.local.", "A", 30, "10.96.0.20")
    srv = Record("_http._tcp.web.default.svc.cluster.local.", "SRV", 30, "0 100 80 web.default.svc.cluster.local.")
    answer = Answer(Rcode.NOERROR, (srv,), additional=(a,))
    assert str(answer).splitlines() == [
        ";; status: NOERROR",
        ";; ANSWER SECTION:",
        "_http._tcp.web.default.svc.cluster.local. 30 IN SRV 0 100 80 web.default.svc.cluster.local.",
        ";; ADDITIONAL SECTION:",
        "web.default.svc.cluster.local. 30 IN A 10.96.0.20",
    ]
    assert answer.addresses == ()
    assert Answer(Rcode.NOERROR, (a, srv)).addresses == ("10.96.0.20",)


@pytest.mark.parametrize(("answer", "status", "nodata"), [
    (Answer(Rcode.NOERROR), "NODATA", True),
    (Answer(Rcode.NOERROR, (Record("a.", "A", 1, "192.0.2.1"),)), "NOERROR", False),
    (Answer(Rcode.NXDOMAIN), "NXDOMAIN", False),
    (Answer(Rcode.SERVFAIL), "SERVFAIL", False),
])
def test_nodata_is_not_nxdomain(answer, status, nodata):
    assert (answer.status, answer.nodata) == (status, nodata)


def test_an_rcode_is_its_name():
    assert Rcode.NXDOMAIN == "NXDOMAIN"
    assert "SRV" in TYPES


def test_outside_a_name_exists_when_one_below_it_does():
    world = Outside({"www.Example.com.": ("93.184.216.34", "2606:2800:21f::1")})
    assert world.query("WWW.example.com", "AAAA").addresses == ("2606:2800:21f::1",)
    assert [world.query(name).status for name in ("example.com", "com", ".", "x.example.com", "www.example.com.org")] == [
        "NODATA", "NODATA", "NODATA", "NXDOMAIN", "NXDOMAIN"]
    assert world.query("www.example.com", "TXT").nodata
    assert world.query("34.216.184.93.in-addr.arpa", "PTR").records[0].data == "www.example.com."
    assert world.query("34.216.184.93.in-addr.arpa", "A").nodata


@pytest.mark.parametrize(("names", "error"), [
    ({"a..b": ("192.0.2.1",)}, InvalidName),
    ({"a.b": ("192.0.2.256",)}, InvalidAddress),
    ({"a.b": ()}, InvalidArgument),
    ({"a.b": "192.0.2.1"}, InvalidArgument),
])
def test_outside_refuses(names, error):
    with pytest.raises(error):
        Outside(names)
