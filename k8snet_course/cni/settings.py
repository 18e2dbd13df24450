"""What a cluster tells its plugin, checked: not every plugin knows IPv6, and only Calico's pools have blocks.

It needs the plugin's name, and makes no plugin.
"""

from __future__ import annotations

from dataclasses import replace

from k8snet_course.cni.plugin import Plugin, Settings
from k8snet_course.errors import InvalidArgument


def settings_of(cni: str, plugin: type[Plugin], settings: Settings, block_size: int | None = None,
                block_size_ipv6: int | None = None, strict_affinity: bool | None = None) -> Settings:
    """The settings for a plugin that is called ``cni``.  Raises InvalidArgument for what it does not have.

    >>> from k8snet_course.cni import PLUGINS
    >>> settings_of("calico", PLUGINS["calico"], Settings("10.244.0.0/16", "192.168.1.0/24"), block_size=28).block_size
    28
    >>> settings_of("weave", PLUGINS["weave"], Settings("fd00:10:32::/48", "fd00:192:168:1::/64"))
    Traceback (most recent call last):
    k8snet_course.errors.InvalidArgument: invalid argument 'fd00:10:32::/48': expected an IPv4 pod_cidr for the plugin weave, \
which here knows no IPv6; write '10.32.0.0/12', or choose another plugin, such as flannel.
    """
    if settings.ipv6 and not plugin.ipv6:
        raise InvalidArgument(settings.pod_cidr, f"an IPv4 pod_cidr for the plugin {cni}, which here knows no IPv6",
                              f"write '{plugin.pod_network}', or choose another plugin, such as flannel")
    for name, value in (("block_size", block_size), ("block_size_ipv6", block_size_ipv6),
                        ("strict_affinity", strict_affinity)):
        if value is not None and not plugin.has_blocks:
            raise InvalidArgument(value, f"no {name} for the plugin {cni}, which takes a pod's address from its node's podCIDR",
                                  f"leave {name} out, or choose calico")
    if not isinstance(strict_affinity, bool | None):
        raise InvalidArgument(strict_affinity, "strict_affinity to be True or False", "write strict_affinity=True")
    given = (("block_size", block_size, settings.ipv4), ("block_size_ipv6", block_size_ipv6, settings.ipv6))
    for name, value, there in given:
        if value is not None and not there:
            raise InvalidArgument(value, f"{name} only where pods have addresses of that IP version", f"leave {name} out")
    return replace(settings, block_size=block_size or 0, block_size_ipv6=block_size_ipv6 or 0,
                   strict_affinity=bool(strict_affinity))
