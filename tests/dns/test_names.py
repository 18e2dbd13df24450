"""How names are spelt, and the addresses in them."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.dns.names import (
    address_of,
    dashed,
    endpoint_name,
    mistaken_pod_name,
    pod_name,
    port_name,
    question,
    reverse_name,
    service_name,
    undashed,
)
from k8snet_course.errors import InvalidAddress, InvalidName
from k8snet_course.names import dns_label


def test_names():
    assert service_name("web", "shop", "k8s.example.org") == "web.shop.svc.k8s.example.org"
    assert port_name("dns-tcp", "TCP", "kube-dns", "kube-system") == "_dns-tcp._tcp.kube-dns.kube-system.svc.cluster.local"
    assert endpoint_name("2001:db8::", "db") == "2001-db8--0.db.default.svc.cluster.local"
    assert pod_name("10.244.0.1", "my-app") == "10-244-0-1.my-app.pod.cluster.local"
    assert mistaken_pod_name("10.244.0.1", "my-app") == "10.244.0.1.my-app.svc.cluster.local"


@pytest.mark.parametrize(
    ("label", "ip"),
    [
        ("10-244-1-2", "10.244.1.2"),
        ("fd00-10-244--2", "fd00:10:244::2"),
        ("fd00-0-0-0-0-0-0-2", "fd00::2"),
        ("2001-db8--0", "2001:db8::"),
        ("--1", "::1"),
        ("10-244-1", ""),
        ("10-244--1", "10:244::1"),
        ("--ffff-af4-1", "10.244.0.1"),
        ("010-244-1-2", ""),
        ("10-244-1-2-3", ""),
        ("1-2-3-4%eth0", ""),
        ("fe80--1%eth0", ""),
        ("web", ""),
        ("", ""),
    ],
)
def test_labels_that_spell_addresses(label, ip):
    assert undashed(label) == ip


@given(st.ip_addresses().filter(lambda ip: ip.version == 4 or not ip.ipv4_mapped))
def test_an_address_survives_both_spellings_and_they_are_labels(ip):
    label = dashed(str(ip))
    assert ipaddress.ip_address(undashed(label)) == ip
    assert ipaddress.ip_address(address_of(reverse_name(str(ip)).upper() + ".")) == ip
    if not label.startswith("-"):
        assert dns_label(label) == label


@pytest.mark.parametrize("name", ["in-addr.arpa", "1.2.3.in-addr.arpa", "1.2.3.4.5.in-addr.arpa", "x.2.3.4.in-addr.arpa",
                                  "1.2.ip6.arpa", "example.com", "", ".".join(["ab"] * 32) + ".ip6.arpa",
                                  ".".join(["g"] * 32) + ".ip6.arpa"])
def test_reverse_names_that_spell_nothing(name):
    assert address_of(name) == ""


def test_bad_addresses_and_names_are_refused():
    for function in (dashed, pod_name, mistaken_pod_name, reverse_name):
        with pytest.raises(InvalidAddress):
            function("10.244.0.300")
    with pytest.raises(InvalidName, match=r"write 'a\.b'"):
        question("a..b")
    with pytest.raises(InvalidName, match="253 characters"):
        question("a." * 200)
    assert question("WEB.default.") == "web.default"
    assert question("a" * 63 + ".b") == "a" * 63 + ".b"
