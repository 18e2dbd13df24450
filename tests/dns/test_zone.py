"""The DNS server: FACTS sections 8.1 to 8.3, and what it is told and forgets."""

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.dns import Rcode, Zone, dashed, mistaken_pod_name, pod_name, reverse_name
from k8snet_course.errors import InvalidArgument, InvalidName
from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort, EndpointSlice
from k8snet_course.objects.pod import Pod
from k8snet_course.objects.service import Service, ServicePort
from tests.dns.clusters import HTTP, SERVICES, shown, zone

SVC = "svc.cluster.local"
D = f"default.{SVC}"


@pytest.mark.parametrize(
    ("name", "type", "answer"),
    [
        (f"web.{D}", "A", ["A 10.96.0.20"]),
        (f"WEB.Default.{SVC}.", "A", ["A 10.96.0.20"]),
        (f"web.other.{SVC}", "A", ["A 10.96.0.21"]),
        (f"dual.{D}", "A", ["A 10.96.0.22"]),
        (f"dual.{D}", "AAAA", ["AAAA fd00:96::22"]),
        (f"six.{D}", "A", ["NODATA"]),
        (f"six.{D}", "AAAA", ["AAAA fd00:96::6"]),
        (f"_http._tcp.web.{D}", "SRV", [f"SRV 0 100 80 web.{D}."]),
        (f"_http._tcp.web.{D}", "A", ["A 10.96.0.20"]),
        (f"_HTTP._TCP.web.{D}", "SRV", [f"SRV 0 100 80 web.{D}."]),
        (f"web.{D}", "SRV", [f"SRV 0 100 80 web.{D}."]),
        (f"dual.{D}", "SRV", [f"SRV 0 50 80 dual.{D}."]),
        (f"dns.{D}", "SRV", [f"SRV 0 50 53 dns.{D}."]),
        (f"_dns._udp.dns.{D}", "SRV", [f"SRV 0 100 53 dns.{D}."]),
        (f"_dns._tcp.dns.{D}", "SRV", ["NXDOMAIN"]),
        (f"_http._tcp.unnamed.{D}", "SRV", ["NXDOMAIN"]),
        ("20.0.96.10.in-addr.arpa", "PTR", [f"PTR web.{D}."]),
        (reverse_name("fd00:96::22"), "PTR", [f"PTR dual.{D}."]),
        # headless
        (f"db.{D}", "A", ["A 10.244.0.2", "A 10.244.1.2", "A 10.244.1.3"]),
        (f"db.{D}", "AAAA", ["AAAA 2001:db8::", "AAAA fd00::2"]),
        (f"db-0.db.{D}", "A", ["A 10.244.0.2"]),
        (f"db-0.db.{D}", "AAAA", ["AAAA fd00::2"]),
        (f"10-244-1-3.db.{D}", "A", ["A 10.244.1.3"]),
        (f"2001-db8--0.db.{D}", "AAAA", ["AAAA 2001:db8::"]),
        (f"10-244-0-2.db.{D}", "A", ["NXDOMAIN"]),
        (f"db-3.db.{D}", "A", ["NXDOMAIN"]),
        (f"_pg._tcp.db.{D}", "SRV", [f"SRV 0 20 5432 db-0.db.{D}.", f"SRV 0 20 5432 db-1.db.{D}.",
                                     f"SRV 0 20 5432 10-244-1-3.db.{D}.", f"SRV 0 20 5432 2001-db8--0.db.{D}."]),
        (f"down.{D}", "A", ["NXDOMAIN"]),
        (f"portless.{D}", "A", ["A 10.244.2.9"]),
        (f"portless.{D}", "SRV", ["NODATA"]),
        ("2.1.244.10.in-addr.arpa", "PTR", [f"PTR db-1.db.{D}."]),
        ("2.0.244.10.in-addr.arpa", "PTR", [f"PTR db-0.db.{D}.", f"PTR 10-244-0-2.web.{D}."]),
        ("4.1.244.10.in-addr.arpa", "PTR", ["NXDOMAIN"]),
        # an endpoint of a Service with a ClusterIP has a name too
        (f"10-244-0-7.web.{D}", "A", ["A 10.244.0.7"]),
        # ExternalName
        (f"ext.{D}", "CNAME", ["CNAME www.example.com."]),
        (f"ext.{D}", "A", ["CNAME www.example.com.", "A 93.184.216.34"]),
        (f"ext.{D}", "AAAA", ["CNAME www.example.com.", "AAAA 2606:2800:21f::1"]),
        (f"ext.{D}", "SRV", ["NODATA"]),
        (f"x.ext.{D}", "A", ["NXDOMAIN"]),
        (f"alias.{D}", "A", [f"CNAME web.other.{SVC}.", "A 10.96.0.21"]),
        (f"alias.{D}", "AAAA", ["NODATA"]),
        (f"dangling.{D}", "A", ["NODATA"]),
        (f"dangling.{D}", "CNAME", [f"CNAME gone.other.{SVC}."]),
        (f"lost.{D}", "A", ["CNAME nobody.example.net."]),
        (f"numeric.{D}", "A", ["NXDOMAIN"]),
        (f"ring.{D}", "A", ["NODATA"]),
        # the zone itself
        ("dns-version.cluster.local", "TXT", ['TXT "1.1.0"']),
        ("dns-version.cluster.local", "A", ["NODATA"]),
        ("cluster.local", "A", ["NODATA"]),
        (SVC, "A", ["NODATA"]),
        ("pod.cluster.local", "A", ["NODATA"]),
        (D, "A", ["NODATA"]),
        (f"empty.{SVC}", "AAAA", ["NODATA"]),
        (f"missing.{SVC}", "A", ["NXDOMAIN"]),
        ("foo.cluster.local", "A", ["NXDOMAIN"]),
        # what there is not
        (f"web.{D}", "AAAA", ["NODATA"]),
        (f"web.{D}", "TXT", ["NODATA"]),
        (f"web.{D}", "MX", ["NODATA"]),
        (f"web.{D}", "CNAME", ["NODATA"]),
        (f"web.{D}", "PTR", ["NODATA"]),
        (f"gone.{D}", "A", ["NXDOMAIN"]),
        (f"gone.{D}", "TXT", ["NXDOMAIN"]),
        (f"web.missing.{SVC}", "A", ["NXDOMAIN"]),
        (f"x.web.{D}", "A", ["NXDOMAIN"]),
        (f"_tcp.web.{D}", "A", ["NXDOMAIN"]),
        (f"_bad._tcp.web.{D}", "SRV", ["NXDOMAIN"]),
        (f"_http._udp.web.{D}", "SRV", ["NXDOMAIN"]),
        (f"x._http._tcp.web.{D}", "SRV", ["NXDOMAIN"]),
        (f"*.{D}", "A", ["NXDOMAIN"]),
        (f"any.{D}", "A", ["NXDOMAIN"]),
        # outside
        ("www.example.com", "A", ["A 93.184.216.34"]),
        ("example.com", "A", ["NODATA"]),
        ("nobody.example.net", "A", ["NXDOMAIN"]),
        ("34.216.184.93.in-addr.arpa", "PTR", ["PTR www.example.com."]),
        ("notcluster.local", "A", ["NXDOMAIN"]),
    ],
)
def test_answers(name, type, answer):  # noqa: A002  # the field's word for it
    assert shown(zone().query(name, type)) == answer


def test_an_answer_has_the_name_as_it_was_asked_and_the_ttl_of_the_zone():
    record = zone(ttl=5).query("Web.Default.svc.cluster.local", "a").records[0]
    assert (record.name, record.type, record.ttl) == ("Web.Default.svc.cluster.local.", "A", 5)
    assert zone().query("dns-version.cluster.local", "TXT").records[0].ttl == 28800
    assert zone().query(f"web.{D}").records[0].ttl == 30, "kubeadm's Corefile"


@pytest.mark.parametrize(("many", "weight"), [(1, 100), (2, 50), (3, 33), (6, 16), (150, 1)])
def test_the_weight_of_srv_records_is_shared(many, weight):
    ips = [f"10.244.{number // 250}.{number % 250 + 2}" for number in range(many)]
    slices = [EndpointSlice("db-1", "default", "db", endpoints=tuple(Endpoint((ip,)) for ip in ips),
                            ports=(EndpointPort(5432, name="pg"),))]
    answer = zone(slices=slices).query(f"_pg._tcp.db.{D}", "SRV")
    assert [record.data for record in answer.records] == [f"0 {weight} 5432 {dashed(ip)}.db.{D}." for ip in ips]
    assert [record.data for record in answer.additional] == ips


def test_endpoints_of_one_name_are_one_srv_record_and_several_addresses():
    endpoints = tuple(Endpoint((f"10.244.0.{number}",), hostname="same") for number in (2, 3))
    answering = zone(slices=[EndpointSlice("db-1", "default", "db", endpoints=endpoints, ports=(EndpointPort(1, name="pg"),))])
    answer = answering.query(f"db.{D}", "SRV")
    assert shown(answer) == [f"SRV 0 50 1 same.db.{D}."]
    assert [record.data for record in answer.additional] == ["10.244.0.2", "10.244.0.3"]
    assert shown(answering.query(f"same.db.{D}")) == ["A 10.244.0.2", "A 10.244.0.3"]
    assert shown(answering.query("3.0.244.10.in-addr.arpa", "PTR")) == [f"PTR same.db.{D}."]


def test_one_endpoint_with_two_ports_has_one_address_record():
    ports = (EndpointPort(1, name="a"), EndpointPort(2, "UDP", "b"))
    answering = zone(slices=[EndpointSlice("db-1", "default", "db", endpoints=(Endpoint(("10.244.0.2",)),), ports=ports)])
    assert shown(answering.query(f"db.{D}")) == ["A 10.244.0.2"]
    assert shown(answering.query(f"_b._udp.db.{D}", "SRV")) == [f"SRV 0 100 2 10-244-0-2.db.{D}."]
    assert len(answering.query(f"db.{D}", "SRV").records) == 2


@pytest.mark.parametrize("name", [f"gone.{D}", f"web.{D}", "cluster.local"])
def test_a_negative_answer_has_the_soa_of_the_zone(name):
    answering = zone(ttl=30)
    answer = answering.query(name, "AAAA")
    data = answer.authority[0].data
    assert re.fullmatch(r"ns\.dns\.cluster\.local\. hostmaster\.cluster\.local\. \d+ 7200 1800 86400 30", data)
    assert str(answer).splitlines()[1:] == [";; AUTHORITY SECTION:", f"cluster.local. 30 IN SOA {data}"]
    assert answer.why and not answer.records
    before = int(data.split()[2])
    answering.add_namespace("more")
    assert int(answering.query(name, "AAAA").authority[0].data.split()[2]) == before + 1


@pytest.mark.parametrize(
    ("pods", "name", "type", "answer"),
    [
        ("disabled", "10-244-1-2.default.pod.cluster.local", "A", ["NXDOMAIN"]),
        ("disabled", "default.pod.cluster.local", "A", ["NXDOMAIN"]),
        ("disabled", "pod.cluster.local", "A", ["NODATA"]),
        ("insecure", "10-244-1-2.default.pod.cluster.local", "A", ["A 10.244.1.2"]),
        ("insecure", "1-2-3-4.default.pod.cluster.local", "A", ["A 1.2.3.4"]),
        ("insecure", "10-244-1-2.default.pod.cluster.local", "AAAA", ["NODATA"]),
        ("insecure", "fd00-10-244--2.default.pod.cluster.local", "AAAA", ["AAAA fd00:10:244::2"]),
        ("insecure", "10-244-1-2.missing.pod.cluster.local", "A", ["NXDOMAIN"]),
        ("insecure", "10-244-1.default.pod.cluster.local", "A", ["NXDOMAIN"]),
        ("insecure", "10-244-1-256.default.pod.cluster.local", "A", ["NXDOMAIN"]),
        ("insecure", "backend.default.pod.cluster.local", "A", ["NXDOMAIN"]),
        ("insecure", "x.10-244-1-2.default.pod.cluster.local", "A", ["NXDOMAIN"]),
        ("insecure", "10-244-1-2.10-244-1-2.default.pod.cluster.local", "A", ["NXDOMAIN"]),
        ("insecure", "default.pod.cluster.local", "A", ["NODATA"]),
        ("verified", "10-244-1-2.default.pod.cluster.local", "A", ["A 10.244.1.2"]),
        ("verified", "fd00--2.default.pod.cluster.local", "AAAA", ["AAAA fd00::2"]),
        ("verified", "10-244-1-2.other.pod.cluster.local", "A", ["NXDOMAIN"]),
        ("verified", "10-244-1-3.default.pod.cluster.local", "A", ["NXDOMAIN"]),
    ],
)
def test_pods(pods, name, type, answer):  # noqa: A002
    answering = zone(pods=pods)
    answering.add_pod(Pod("backend", "node-1", "10.244.1.2", second_ip="fd00::2"))
    assert shown(answering.query(name, type)) == answer


def test_a_verified_pod_is_forgotten_with_the_last_one_at_its_address():
    answering = zone(pods="verified")
    one, two = Pod("one", "node-1", "192.168.1.2", host_network=True), Pod("two", "node-1", "192.168.1.2", host_network=True)
    name = pod_name("192.168.1.2")
    answering.add_pod(one)
    answering.add_pod(two)
    answering.remove_pod(one)
    answering.remove_pod(one)
    assert shown(answering.query(name)) == ["A 192.168.1.2"]
    answering.remove_pod(two)
    assert shown(answering.query(name)) == ["NXDOMAIN"]


def test_the_published_name_of_a_pod_does_not_exist_and_the_answer_says_how_to_write_it():
    answering = zone(namespaces=("default", "my-app"))
    answer = answering.query(mistaken_pod_name("10.244.0.1", "my-app"))
    assert answer.rcode is Rcode.NXDOMAIN
    assert "10-244-0-1.my-app.pod.cluster.local" in answer.why
    assert shown(answering.query(pod_name("10.244.0.1", "my-app"))) == ["A 10.244.0.1"]
    assert "10-244-0-1.my-app.pod.cluster.local" in zone().query(mistaken_pod_name("10.244.0.1", "my-app")).why


def test_a_cluster_ip_answers_without_endpoints_unless_such_services_are_left_out():
    assert shown(zone(slices=()).query(f"web.{D}")) == ["A 10.96.0.20"]
    assert shown(zone(slices=(), ignore_empty_service=True).query(f"web.{D}")) == ["NXDOMAIN"]
    assert shown(zone(ignore_empty_service=True).query(f"web.{D}")) == ["A 10.96.0.20"]
    assert shown(zone(ignore_empty_service=True).query(f"ext.{D}", "CNAME")) == ["CNAME www.example.com."]


def test_reverse_zones_go_upstream_only_with_fallthrough():
    name = "34.216.184.93.in-addr.arpa"
    assert shown(zone().query(name, "PTR")) == ["PTR www.example.com."]
    alone = zone(fallthrough=False).query(name, "PTR")
    assert (alone.rcode, alone.authority[0].name) == (Rcode.NXDOMAIN, "in-addr.arpa.")
    assert shown(zone(fallthrough=False).query("in-addr.arpa", "PTR")) == ["NODATA"]
    assert shown(zone(fallthrough=False).query("20.0.96.10.in-addr.arpa", "A")) == ["NODATA"]


def test_without_anybody_outside_the_server_fails_for_outside_names_alone():
    answering = zone(upstream=None)
    assert shown(answering.query("www.example.com")) == ["SERVFAIL"]
    assert shown(answering.query(f"web.{D}")) == ["A 10.96.0.20"]
    assert shown(answering.query(f"ext.{D}")) == ["CNAME www.example.com."]


@pytest.mark.parametrize(("length", "answer"), [(8, "A 10.96.0.20"), (9, "NODATA")])
def test_a_chain_of_aliases_is_followed_eight_times(length, answer):
    answering = zone()
    for number in range(length):
        target = f"a{number + 1}" if number < length - 1 else "web"
        answering.add_service(Service(f"a{number}", type="ExternalName", external_name=f"{target}.{D}"))
    assert shown(answering.query(f"a0.{D}"))[-1] == answer


def test_addresses_of_a_load_balancer_and_external_ones_lead_back_to_the_service():
    lb = Service("lb", type="LoadBalancer", ports=HTTP, cluster_ips=("10.96.0.30",), external_ips=("192.0.2.1",),
                 load_balancer_ips=("192.0.2.2",))
    answering = zone([lb], ())
    for ip in ("10.96.0.30", "192.0.2.1", "192.0.2.2"):
        assert shown(answering.query(reverse_name(ip), "PTR")) == [f"PTR lb.{D}."]


def test_a_service_that_changes_or_goes_takes_its_old_addresses_along():
    answering = zone()
    answering.add_service(Service("web", ports=HTTP, cluster_ips=("10.96.0.99",)))
    assert shown(answering.query(f"web.{D}")) == ["A 10.96.0.99"]
    assert shown(answering.query(reverse_name("10.96.0.20"), "PTR")) == ["NXDOMAIN"]
    answering.remove_service("default", "web")
    answering.remove_service("default", "web")
    assert shown(answering.query(f"web.{D}")) == ["NXDOMAIN"]
    assert shown(answering.query(reverse_name("10.96.0.99"), "PTR")) == ["NXDOMAIN"]


def test_slices_replace_each_other_and_wait_for_their_service():
    answering = zone(services=())
    assert shown(answering.query(f"db.{D}")) == ["NXDOMAIN"]
    answering.add_service(next(each for each in SERVICES if each.name == "db"))
    assert len(answering.query(f"db.{D}").records) == 3
    answering.set_slices("default", "db", [EndpointSlice("db-9", "default", "db", endpoints=(Endpoint(("10.244.9.9",)),))])
    assert shown(answering.query(f"db.{D}")) == ["A 10.244.9.9"]
    assert shown(answering.query(reverse_name("10.244.1.2"), "PTR")) == ["NXDOMAIN"]
    answering.set_slices("default", "db", ())
    assert shown(answering.query(f"db.{D}")) == ["NXDOMAIN"]
    assert shown(answering.query(reverse_name("10.244.9.9"), "PTR")) == ["NXDOMAIN"]


def test_a_namespace_that_goes_takes_its_names_along():
    answering = zone()
    answering.remove_namespace("other")
    assert shown(answering.query(f"web.other.{SVC}")) == ["NXDOMAIN"]
    assert shown(answering.query(f"other.{SVC}")) == ["NXDOMAIN"]
    assert f"web.other.{SVC}." not in [name for name, _ in answering.names()]


def test_a_copy_is_apart():
    answering = zone()
    twin = answering.copy()
    twin.remove_service("default", "web")
    twin.set_slices("default", "db", ())
    twin.add_namespace("new")
    assert shown(answering.query(f"web.{D}")) == ["A 10.96.0.20"]
    assert shown(answering.query("2.1.244.10.in-addr.arpa", "PTR")) == [f"PTR db-1.db.{D}."]
    assert shown(twin.query(f"db.{D}")) == ["NXDOMAIN"]
    assert shown(twin.query("www.example.com")) == ["A 93.184.216.34"]
    assert repr(answering) == "<Zone cluster.local: 17 Services in 3 namespaces, pods insecure>"


def test_aliases_in_a_ring_say_so():
    assert "leads back to itself" in zone().query(f"ring.{D}").why


def test_an_endpoint_without_ports_has_no_srv_record_but_a_share_of_the_weight():
    port = EndpointPort(1, name="pg")
    slices = [EndpointSlice("db-1", "default", "db", endpoints=(Endpoint(("10.244.0.2",)),), ports=(port,)),
              EndpointSlice("db-2", "default", "db", endpoints=(Endpoint(("10.244.0.3",)),))]
    assert shown(zone(slices=slices).query(f"db.{D}", "SRV")) == [f"SRV 0 50 1 10-244-0-2.db.{D}."]


def test_another_domain():
    answering = zone(domain="k8s.example.org")
    assert shown(answering.query("web.default.svc.k8s.example.org")) == ["A 10.96.0.20"]
    assert shown(answering.query(f"web.{D}")) == ["NXDOMAIN"]
    assert shown(answering.query("20.0.96.10.in-addr.arpa", "PTR")) == ["PTR web.default.svc.k8s.example.org."]


@pytest.mark.parametrize("name", ["a..b", ".", "a" * 64 + ".com", ".".join(["abcdefg"] * 40), None, 7, ".web"])
def test_names_that_no_message_can_carry(name):
    if name == ".":
        assert shown(zone().query(name)) == ["NODATA"]
    else:
        with pytest.raises(InvalidName):
            zone().query(name)


@pytest.mark.parametrize("type", ["", "a record", "ANY", None, 1])
def test_types_that_nobody_can_ask_for(type):  # noqa: A002
    with pytest.raises(InvalidArgument, match="AAAA"):
        zone().query(f"web.{D}", type)


@pytest.mark.parametrize("options", [{"pods": "secure"}, {"ttl": -1}, {"ttl": 3601}, {"ttl": True}, {"ttl": "5"},
                                     {"upstream": {"x.com": "1.2.3.4"}}, {"upstream": {"x.com": ()}}])
def test_options_that_are_refused(options):
    with pytest.raises(InvalidArgument):
        Zone(**options)


# Hypothesis: what is listed resolves, and nothing else in the zone does.

LABELS = st.sampled_from(["web", "db", "x", "db-0", "_http", "_tcp", "10-244-0-2", "default", "other", "svc", "pod", "none"])
SERVICE = st.builds(
    Service, st.sampled_from(["web", "db", "x"]), st.sampled_from(["default", "other"]),
    ports=st.lists(st.builds(ServicePort, st.sampled_from([80, 443]), protocol=st.sampled_from(["TCP", "UDP"]),
                             name=st.sampled_from(["", "http", "tcp"])), max_size=3).map(tuple),
    cluster_ips=st.sampled_from([("None",), ("10.96.0.20",), ("10.96.0.21", "fd00:96::21"), ("fd00:96::6",), ()]))
ALIAS = st.builds(Service, st.sampled_from(["web", "x"]), st.sampled_from(["default", "other"]), type=st.just("ExternalName"),
                  external_name=st.sampled_from(["www.example.com", "web.default.svc.cluster.local", "10.0.0.1", ""]))
ENDPOINT = st.builds(Endpoint, st.sampled_from([("10.244.0.2",), ("10.244.0.3",), ("10.244.1.4",)]), ready=st.booleans(),
                     hostname=st.sampled_from(["", "db-0", "web"]))
SLICE = st.builds(EndpointSlice, st.just("s"), st.sampled_from(["default", "other"]), st.sampled_from(["web", "db", "gone"]),
                  endpoints=st.lists(ENDPOINT, max_size=4).map(tuple),
                  ports=st.sampled_from([(), (EndpointPort(8080, name="http"),),
                                         (EndpointPort(1), EndpointPort(2, "UDP", "tcp"))]))
CLUSTERS = st.fixed_dictionaries({
    "services": st.lists(SERVICE | ALIAS, max_size=6), "slices": st.lists(SLICE, max_size=5),
    "namespaces": st.sampled_from([("default",), ("default", "other")]),
    "pods": st.sampled_from(["disabled", "verified"]), "ignore_empty_service": st.booleans(), "fallthrough": st.booleans()})


def exists(labels, cluster) -> bool:
    """Rule 8.2, read slowly: whether a name in the zone exists, whatever types it has."""
    if labels in (["svc"], ["pod"]):
        return True
    if labels[-1] not in ("svc", "pod") or len(labels) == 1 or labels[-2] not in cluster["namespaces"]:
        return False
    if labels[-1] == "pod":
        return len(labels) == 2 and cluster["pods"] != "disabled"
    if len(labels) == 2:
        return True
    known = [each for each in cluster["services"] if [each.name, each.namespace] == labels[-3:-1]]
    if not known or len(labels) > 5:
        return False
    service = known[-1]
    if service.type == "ExternalName":
        return len(labels) == 3 and service.external_name.endswith(("com", "local"))
    ready = [(each, ip, each_slice.ports) for each_slice in cluster["slices"] for each in each_slice.endpoints if each.ready
             for ip in each.addresses if [each_slice.service, each_slice.namespace] == labels[-3:-1]]
    if not service.headless and cluster["ignore_empty_service"] and not ready:
        return False
    if len(labels) == 4:
        return labels[0] in [each.hostname or ip.replace(".", "-") for each, ip, _ in ready]
    if len(labels) == 3:
        return bool(ready) or not service.headless
    ports = [port for _, _, its_ports in ready for port in its_ports] if service.headless else service.ports
    return [labels[0].lstrip("_"), labels[1].lstrip("_")] in [[port.name, port.protocol.lower()] for port in ports]


@given(CLUSTERS)
def test_every_listed_name_resolves(cluster):
    answering = zone(**cluster)
    for name, wanted in answering.names():
        answer = answering.query(name, wanted)
        assert answer.rcode is Rcode.NOERROR
        assert answer.records
        assert [record.type for record in answer.records if record.name == name] == [wanted] * len(answer.records)
        if name.endswith(f".svc.{answering.domain}."):
            assert exists(name.removesuffix(f".{answering.domain}.").split("."), cluster)


ENDS = st.sampled_from([["default", "svc"], ["other", "svc"], ["default", "pod"], ["none", "svc"], ["svc"], ["pod"], []])


@given(CLUSTERS, st.lists(LABELS, min_size=1, max_size=3), ENDS, st.sampled_from(["A", "AAAA", "SRV", "TXT"]))
def test_a_name_in_the_zone_is_nxdomain_just_when_it_does_not_exist(cluster, labels, end, wanted):
    labels = [*labels, *end]
    answering = zone(**cluster)
    answer = answering.query(".".join([*labels, "cluster.local"]), wanted)
    assert (answer.rcode is Rcode.NOERROR) == exists(labels, cluster)
    assert [record.type for record in answer.authority] == ([] if answer.records else ["SOA"])
    assert answer.records or answer.why


@given(st.ip_addresses().filter(lambda ip: ip.version == 4 or not ip.ipv4_mapped))
def test_every_address_has_a_name_that_leads_back_to_it(ip):
    answer = zone().query(pod_name(str(ip)), "A" if ip.version == 4 else "AAAA")
    assert [ipaddress.ip_address(each) for each in answer.addresses] == [ip]
