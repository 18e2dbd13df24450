"""Network plugins: what each writes into the linux layer of a node and of its pods.

A plugin is given a node, the pods on it and the other nodes, and returns tables; it never moves a packet.  ``validate``
checks a network configuration, ``exchange`` shows what runtime and plugins say to each other.
"""

from k8snet_course.cni.bridge import Alone, Bridge
from k8snet_course.cni.calico import CalicoBgp, CalicoIpip, CalicoVxlan
from k8snet_course.cni.cilium import Cilium, CiliumNative
from k8snet_course.cni.exchange import Exchange, exchange
from k8snet_course.cni.fabric import Aci, BigCloudFabric, Nsx
from k8snet_course.cni.flannel import FlannelHostGw, FlannelVxlan
from k8snet_course.cni.peers import Peers
from k8snet_course.cni.plugin import Attachment, Base, Ipam, Json, Plugin, Settings, Tables, container_id
from k8snet_course.cni.portmap import has_portmap
from k8snet_course.cni.portmap import mappings as port_mappings
from k8snet_course.cni.portmap import rules as portmap_rules
from k8snet_course.cni.settings import settings_of
from k8snet_course.cni.validate import validate
from k8snet_course.cni.weave import Weave

PLUGINS: dict[str, type[Plugin]] = {
    "none": Alone,
    "bridge": Bridge,
    "flannel": FlannelVxlan,
    "flannel-host-gw": FlannelHostGw,
    "calico": CalicoIpip,
    "calico-vxlan": CalicoVxlan,
    "calico-bgp": CalicoBgp,
    "cilium": Cilium,
    "cilium-native": CiliumNative,
    "weave": Weave,
    "nsx": Nsx,
    "aci": Aci,
    "bcf": BigCloudFabric,
}
"""The values of ``Cluster(cni=...)`` and what they stand for."""

__all__ = [
    "PLUGINS",
    "Aci",
    "Alone",
    "Attachment",
    "Base",
    "BigCloudFabric",
    "Bridge",
    "CalicoBgp",
    "CalicoIpip",
    "CalicoVxlan",
    "Cilium",
    "CiliumNative",
    "Exchange",
    "FlannelHostGw",
    "FlannelVxlan",
    "Ipam",
    "Json",
    "Nsx",
    "Peers",
    "Plugin",
    "Settings",
    "Tables",
    "Weave",
    "container_id",
    "exchange",
    "has_portmap",
    "port_mappings",
    "portmap_rules",
    "settings_of",
    "validate",
]
