"""The version of Kubernetes that the course follows."""

from __future__ import annotations

KUBERNETES = "v1.37.0"
