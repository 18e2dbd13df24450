"""From the authored sources in chapters/ to notebooks: ``expand`` reads, ``execute`` runs, ``quality`` judges.

Needs the test requirements (jupytext, nbclient, nbformat).  No learner's notebook imports this.
"""
