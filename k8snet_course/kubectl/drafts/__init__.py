"""Manifests that kubectl writes itself, from flags: ``run``, ``create deployment``, ``expose``, ...

Each function gives the plain map that ``--dry-run=client -o yaml`` prints, with all that kubectl puts there (``resources: {}``,
``status: {}``) and nothing else.  They look at no cluster; what they need to know of an object, they are told.

Source: kubectl's generators and the ``create`` commands (k8s.io/kubectl, pkg/cmd/create, pkg/generate/versioned).
"""
