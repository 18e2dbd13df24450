"""resolv.conf: FACTS section 8.4, for every dnsPolicy and dnsConfig, and the limits."""

import pytest

from k8snet_course.dns import PodDnsConfig, ResolvConf, resolv_conf
from k8snet_course.errors import InvalidAddress, InvalidArgument, InvalidManifest

NODE = ResolvConf(("192.168.1.1",), ("lan", "example.org"), ("timeout:3", "rotate"))
CLUSTER = ["search shop.svc.cluster.local svc.cluster.local cluster.local lan example.org", "nameserver 10.96.0.10",
           "options ndots:5"]
NODES_OWN = ["search lan example.org", "nameserver 192.168.1.1", "options timeout:3 rotate"]


@pytest.mark.parametrize(
    ("policy", "host_network", "lines"),
    [
        ("ClusterFirst", False, CLUSTER),
        ("ClusterFirst", True, NODES_OWN),
        ("ClusterFirstWithHostNet", False, CLUSTER),
        ("ClusterFirstWithHostNet", True, CLUSTER),
        ("Default", False, NODES_OWN),
        ("Default", True, NODES_OWN),
    ],
)
def test_policies(policy, host_network, lines):
    made = resolv_conf("shop", policy, node=NODE, host_network=host_network)
    assert str(made).splitlines() == lines
    assert made.events == ()


def test_a_pod_without_any_wish_in_a_cluster_without_host_search():
    assert str(resolv_conf("shop")) == (
        "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5")


def test_policy_none_takes_everything_from_the_config():
    config = PodDnsConfig(("192.0.2.1",), ("ns1.svc.cluster.local", "my.dns.example."), (("ndots", "2"), ("edns0", "")))
    assert str(resolv_conf("shop", "None", config, NODE)).splitlines() == [
        "search ns1.svc.cluster.local my.dns.example", "nameserver 192.0.2.1", "options ndots:2 edns0"]
    for missing in (None, PodDnsConfig(searches=("lan",))):
        with pytest.raises(InvalidManifest, match="at least one name server"):
            resolv_conf("shop", "None", missing, NODE)


def test_a_config_is_added_without_repeats_and_its_options_replace_those_of_the_same_name():
    config = PodDnsConfig(("10.96.0.10", "1.1.1.1"), ("svc.cluster.local", "corp.example"), (("ndots", "2"), ("edns0", "")))
    made = resolv_conf("shop", dns_config=config, node=NODE)
    assert made.nameservers == ("10.96.0.10", "1.1.1.1")
    assert made.search == ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "lan", "example.org", "corp.example")
    assert made.options == ("ndots:2", "edns0")
    assert made.ndots == 2


def test_beyond_three_name_servers_the_rest_is_left_out_and_an_event_says_so():
    made = resolv_conf("shop", dns_config=PodDnsConfig(("1.1.1.1", "8.8.8.8", "9.9.9.9")))
    assert made.nameservers == ("10.96.0.10", "1.1.1.1", "8.8.8.8")
    assert len(made.events) == 1
    assert made.events[0].startswith("DNSConfigForming: more than 3 name servers")
    assert "DNSConfigForming" not in str(made)


def test_beyond_32_search_domains_the_rest_is_left_out():
    node = ResolvConf(("192.168.1.1",), tuple(f"d{number}.example" for number in range(29)))
    assert resolv_conf("shop", node=node).events == ()
    made = resolv_conf("shop", node=node, dns_config=PodDnsConfig(searches=("one.example", "two.example")))
    assert (len(made.search), made.search[-1]) == (32, "d28.example")
    assert made.events[0].startswith("DNSConfigForming: the search line")
    assert "2 left out" in made.events[0]


def test_the_search_line_has_2048_characters_at_most_and_each_domain_253():
    domain = ".".join(["a" * 62] * 4)  # 251 characters
    node = ResolvConf((), tuple(f"{domain[:-1]}{number}" for number in range(8)))
    assert len(" ".join(node.search)) == 2015
    assert resolv_conf("shop", "Default", node=node).search == node.search
    made = resolv_conf("shop", node=node)
    assert (len(made.search), len(" ".join(made.search))) == (10, 2070 - 252)
    assert made.events
    for extra, kept in ((0, 9), (1, 8)):
        exact = ResolvConf((), (*node.search, "b" * (2048 - 2015 - 1 + extra)))
        assert len(resolv_conf("shop", "Default", node=exact).search) == kept
    too_long = ResolvConf((), ("lan", "x" * 254, "after.example"))
    assert resolv_conf("shop", "Default", node=too_long).search == ("lan", "after.example")


def test_without_a_dns_server_of_the_cluster_the_nodes_file_is_used():
    made = resolv_conf("shop", node=NODE, cluster_dns=())
    assert str(made).splitlines() == NODES_OWN
    assert made.events[0].startswith("MissingClusterDNS")


def test_dual_stack_and_another_domain():
    made = resolv_conf("shop", cluster_dns=("10.96.0.10", "fd00:96::a"), domain="k8s.example")
    assert made.nameservers == ("10.96.0.10", "fd00:96::a")
    assert made.search == ("shop.svc.k8s.example", "svc.k8s.example", "k8s.example")


@pytest.mark.parametrize("policy", ["clusterfirst", "", None, "Host"])
def test_other_policies_are_refused(policy):
    with pytest.raises(InvalidArgument, match="ClusterFirstWithHostNet"):
        resolv_conf("shop", policy)


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"nameservers": ("1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4")}, InvalidManifest),
        ({"nameservers": ("dns.example",)}, InvalidAddress),
        ({"searches": tuple(f"d{number}" for number in range(33))}, InvalidManifest),
        ({"searches": tuple("x" * 60 + f".{'y' * 40}{number}" for number in range(10, 32))}, InvalidManifest),
        ({"searches": ("-lan",)}, InvalidManifest),
        ({"searches": ("a b",)}, InvalidManifest),
        ({"searches": ("",)}, InvalidManifest),
        ({"searches": ("x" * 254,)}, InvalidManifest),
        ({"options": (("", "2"),)}, InvalidManifest),
    ],
)
def test_configs_that_the_api_server_refuses(config, error):
    with pytest.raises(error):
        PodDnsConfig(**config)


def test_a_search_domain_may_be_a_dot_or_have_an_underscore():
    assert PodDnsConfig(searches=(".", "_sip._tcp.example.com")).searches == (".", "_sip._tcp.example.com")


def test_reading_a_file():
    text = ("# generated\n; old\nnameserver 192.168.1.1\nnameserver\nsearch a\nsearch lan. . x.org\n"
            "options ndots:1\noptions ndots:2 x\n")
    made = ResolvConf.parse(text)
    assert made == ResolvConf(("192.168.1.1",), ("lan", ".", "x.org"), ("ndots:2", "x"))
    assert ResolvConf.parse(str(made)) == made
    assert ResolvConf.parse("") == ResolvConf()


@pytest.mark.parametrize(("options", "ndots"), [((), 1), (("ndots:5",), 5), (("ndots:0",), 0), (("ndots:99",), 15),
                                                (("ndots:x",), 1), (("ndots",), 1), (("ndots:2", "ndots:3"), 3)])
def test_ndots(options, ndots):
    assert ResolvConf(options=options).ndots == ndots
