"""Lookups: FACTS section 8.5, and where the three resolvers differ."""

import pytest

from k8snet_course.dns import Answer, Lookup, Outside, Rcode, ResolvConf, lookup, resolv_conf
from k8snet_course.errors import InvalidArgument, InvalidName
from tests.dns.clusters import zone

ZONE = zone()
SERVERS = {"10.96.0.10": ZONE}
CONF = resolv_conf("default")
OWN, SVC, DOMAIN = "default.svc.cluster.local.", "svc.cluster.local.", "cluster.local."
HTTP = "_http._tcp.web.default.svc.cluster.local"


def steps(made: Lookup) -> list[str]:
    """The full names in order, with what came of A and of AAAA where the two differ."""
    told = []
    for name in made.names:
        both = dict.fromkeys(query.status for query in made.queries if query.name == name)
        told.append(f"{name} {'/'.join(both)}")
    return told


@pytest.mark.parametrize(
    ("name", "tried", "result"),
    [
        ("web", [f"web.{OWN}"], "10.96.0.20"),
        ("web.other", [f"web.other.{OWN}", f"web.other.{SVC}"], "10.96.0.21"),
        ("web.other.svc", [f"web.other.svc.{OWN}", f"web.other.svc.{SVC}", "web.other.svc.cluster.local."], "10.96.0.21"),
        ("web.other.svc.cluster.local", [f"web.other.svc.cluster.local.{OWN}", f"web.other.svc.cluster.local.{SVC}",
                                         f"web.other.svc.cluster.local.{DOMAIN}", "web.other.svc.cluster.local."],
         "10.96.0.21"),
        ("web.other.svc.cluster.local.", ["web.other.svc.cluster.local."], "10.96.0.21"),
        ("www.example.com", [f"www.example.com.{OWN}", f"www.example.com.{SVC}", f"www.example.com.{DOMAIN}",
                             "www.example.com."], "93.184.216.34"),
        ("www.example.com.", ["www.example.com."], "93.184.216.34"),
        ("a.b.c.d.e.com", ["a.b.c.d.e.com."], "192.0.2.9"),
        (HTTP, [f"{HTTP}."], "10.96.0.20"),
    ],
)
@pytest.mark.parametrize("resolver", ["glibc", "musl"])
def test_the_order_of_queries(resolver, name, tried, result):
    made = lookup(CONF, name, SERVERS, resolver)
    assert list(made.names) == tried
    assert made.result[0] == result
    assert made.found == tried[-1]
    assert made.error == ""
    assert [(query.name, query.type) for query in made.queries] == [
        (each, wanted) for each in tried for wanted in ("A", "AAAA")]
    assert {query.status for query in made.queries if query.name != made.found} <= {"NXDOMAIN"}


def test_eight_queries_for_a_name_outside_and_two_with_a_dot_at_its_end():
    assert len(lookup(CONF, "www.example.com", SERVERS).queries) == 8
    assert len(lookup(CONF, "www.example.com.", SERVERS).queries) == 2
    few = ResolvConf(CONF.nameservers, CONF.search, ("ndots:1",))
    assert len(lookup(few, "www.example.com", SERVERS).queries) == 2


def test_from_another_namespace():
    conf = resolv_conf("other")
    assert lookup(conf, "web", SERVERS).result == ("10.96.0.21",)
    assert lookup(conf, "db", SERVERS).result == ()
    assert lookup(conf, "db.default", SERVERS).result == ("10.244.0.2", "10.244.1.2", "10.244.1.3", "2001:db8::", "fd00::2")


def test_a_name_that_nobody_knows_is_tried_everywhere():
    for resolver in ("glibc", "musl"):
        made = lookup(CONF, "nothing", SERVERS, resolver)
        assert steps(made) == [f"nothing.{OWN} NXDOMAIN", f"nothing.{SVC} NXDOMAIN", f"nothing.{DOMAIN} NXDOMAIN",
                               "nothing. NXDOMAIN"]
        assert (made.result, made.error) == ((), "EAI_NONAME")
        assert made.why == "4 names were tried, and none of them exists."


def test_with_ndots_dots_glibc_goes_on_with_the_search_list_and_musl_does_not():
    name = "no.such.name.in.example.com"
    tried = [f"{name}.", f"{name}.{OWN}", f"{name}.{SVC}", f"{name}.{DOMAIN}"]
    assert list(lookup(CONF, name, SERVERS, "glibc").names) == tried
    made = lookup(CONF, name, SERVERS, "musl")
    assert list(made.names) == [f"{name}."]
    assert "musl uses no search list" in made.why
    few = ResolvConf(CONF.nameservers, CONF.search, ("ndots:1",))
    assert lookup(few, "web.other", SERVERS, "glibc").result == ("10.96.0.21",)
    assert lookup(few, "web.other", SERVERS, "musl").result == ()


def test_musl_stops_at_a_name_without_addresses_and_glibc_goes_on():
    # a namespace called like a Service elsewhere: the first name tried exists, and holds names only
    conf = ResolvConf(("10.96.0.10",), ("svc.cluster.local", "other.svc.cluster.local"), ("ndots:5",))
    answering = zone(namespaces=("default", "other", "web"))
    made = lookup(conf, "web", {"10.96.0.10": answering}, "glibc")
    assert steps(made) == ["web.svc.cluster.local. NODATA", "web.other.svc.cluster.local. NOERROR/NODATA"]
    assert made.result == ("10.96.0.21",)
    made = lookup(conf, "web", {"10.96.0.10": answering}, "musl")
    assert steps(made) == ["web.svc.cluster.local. NODATA"]
    assert (made.result, made.error) == ((), "EAI_NODATA")
    assert "NXDOMAIN only" in made.why


def test_glibc_reports_nodata_that_it_met_on_the_way():
    made = lookup(ResolvConf(("10.96.0.10",), ("svc.cluster.local",), ("ndots:5",)), "empty", SERVERS)
    assert (made.error, made.why) == ("EAI_NODATA", "empty.svc.cluster.local. exists, but has no address.")


def test_what_glibc_reports_when_several_things_went_wrong():
    # a failure on the way counts more than what the name as it is, tried last, has come to
    assert lookup(CONF, "example.com", {"10.96.0.10": Failing(f".{OWN}")}).error == "EAI_AGAIN"
    assert lookup(CONF, "example.com", SERVERS).error == "EAI_NODATA"
    # the name as it is, tried first, counts more than what the search list has come to
    conf = ResolvConf(("10.96.0.10",), ("cluster.local",), ("ndots:1",))
    made = lookup(conf, "empty.svc", SERVERS)
    assert steps(made) == ["empty.svc. NXDOMAIN", "empty.svc.cluster.local. NODATA"]
    assert made.error == "EAI_NONAME"


def test_when_nobody_outside_answers_only_outside_names_are_hurt():
    servers = {"10.96.0.10": zone(upstream=None)}
    assert lookup(CONF, "web", servers).result == ("10.96.0.20",)
    for resolver in ("glibc", "musl"):
        made = lookup(CONF, "www.example.com", servers, resolver)
        assert made.error == "EAI_AGAIN"
        assert made.queries[-1].status == "SERVFAIL"


class Failing:
    """A server that fails for names under one suffix."""

    def __init__(self, suffix: str) -> None:
        self.suffix = suffix

    def query(self, name: str, type: str = "A") -> Answer:  # noqa: A002
        return Answer(Rcode.SERVFAIL) if name.endswith(self.suffix) else ZONE.query(name, type)


def test_a_failure_on_the_way_stops_musl_and_not_glibc():
    servers = {"10.96.0.10": Failing(f".{OWN}")}
    assert lookup(CONF, "web.other", servers, "glibc").result == ("10.96.0.21",)
    made = lookup(CONF, "web.other", servers, "musl")
    assert list(made.names) == [f"web.other.{OWN}"]
    assert made.error == "EAI_AGAIN"
    assert len(made.queries) == 2
    made = lookup(CONF, "nothing", servers, "glibc")
    assert made.error == "EAI_AGAIN"
    assert [query.status for query in made.queries[:5]] == ["SERVFAIL"] * 4 + ["NXDOMAIN"], "glibc asks a failing server twice"


def test_a_server_that_cannot_be_reached():
    for resolver in ("glibc", "musl", "busybox"):
        made = lookup(CONF, "web", {}, resolver)
        assert (made.result, made.error) == ((), "EAI_AGAIN")
        assert {query.status for query in made.queries} == {"TIMEOUT"}
    # glibc gives up its search list at the first silence, but still tries the name as it is
    assert list(lookup(CONF, "web", {}).names) == [f"web.{OWN}", "web."]
    assert list(lookup(CONF, "web", {}, "musl").names) == [f"web.{OWN}"]


def test_several_name_servers():
    conf = ResolvConf(("192.0.2.53", "10.96.0.10"), CONF.search, ("ndots:5",))
    made = lookup(conf, "web", SERVERS)
    assert [(query.server, query.status) for query in made.queries] == [
        ("192.0.2.53", "TIMEOUT"), ("192.0.2.53", "TIMEOUT"), ("10.96.0.10", "NOERROR"), ("10.96.0.10", "NODATA")]
    # that there is no such name is an answer: the second server is not asked for another opinion
    both = {"192.0.2.53": Outside({}), "10.96.0.10": ZONE}
    made = lookup(conf, "web", both)
    assert {query.server for query in made.queries} == {"192.0.2.53"}
    assert made.error == "EAI_NONAME"
    made = lookup(conf, "web", both, "musl")
    assert {query.server for query in made.queries} == {"192.0.2.53", "10.96.0.10"}
    made = lookup(ResolvConf(("192.0.2.1", "192.0.2.2", "192.0.2.3", "10.96.0.10"), CONF.search), "web", SERVERS)
    assert "10.96.0.10" not in {query.server for query in made.queries}, "only three are used"
    assert {query.server for query in lookup(ResolvConf(), "web", SERVERS).queries} == {"127.0.0.1"}


def test_a_failing_server_is_passed_over_in_favour_of_the_next():
    conf = ResolvConf(("192.0.2.53", "10.96.0.10"), CONF.search, ("ndots:5",))
    for resolver in ("glibc", "musl"):
        assert lookup(conf, "web", {"192.0.2.53": Failing("."), **SERVERS}, resolver).result == ("10.96.0.20",)


def test_musl_ignores_a_long_search_line():
    # "search " and the domains: 254 characters are read, 255 are not
    for extra, found in ((0, True), (1, False)):
        filler = "x" * (254 - len("search default.svc.cluster.local ") - 120 + extra)
        conf = ResolvConf(("10.96.0.10",), ("default.svc.cluster.local", "y" * 59 + "." + "z" * 59, filler), ("ndots:5",))
        assert len(f"search {' '.join(conf.search)}") == 254 + extra
        assert bool(lookup(conf, "web", SERVERS, "musl").result) == found
        assert lookup(conf, "web", SERVERS, "glibc").result == ("10.96.0.20",)


def test_a_name_that_grows_too_long_is_not_asked():
    name = ".".join(["a" * 60] * 4)
    assert list(lookup(CONF, name, SERVERS).names) == [f"{name}."]


def test_the_root_as_search_domain_is_the_name_as_it_is():
    conf = ResolvConf(("10.96.0.10",), (".", "svc.cluster.local"), ("ndots:5",))
    assert list(lookup(conf, "web.other", SERVERS).names) == ["web.other.", "web.other.svc.cluster.local."]


def test_an_alias_that_leads_nowhere_ends_the_search():
    made = lookup(CONF, "lost", SERVERS)
    assert list(made.names) == [f"lost.{OWN}"]
    assert (made.result, made.error) == ((), "EAI_NODATA")
    assert lookup(CONF, "ext", SERVERS).result == ("93.184.216.34", "2606:2800:21f::1")


def test_busybox_asks_a_name_with_a_dot_as_it_is():
    made = lookup(CONF, "web.other", SERVERS, "busybox")
    assert list(made.names) == ["web.other."]
    assert made.error == "EAI_NONAME"
    assert "whatever ndots says" in made.why
    assert lookup(CONF, "web.other.svc.cluster.local", SERVERS, "busybox").result == ("10.96.0.21",)
    assert lookup(CONF, "www.example.com", SERVERS, "busybox").queries[0].name == "www.example.com."


def test_busybox_asks_a_name_without_a_dot_with_every_suffix_at_once():
    made = lookup(CONF, "web", SERVERS, "busybox")
    assert [(query.name, query.type, query.status) for query in made.queries] == [
        (f"web.{OWN}", "A", "NOERROR"), (f"web.{SVC}", "A", "NXDOMAIN"), (f"web.{DOMAIN}", "A", "NXDOMAIN"),
        (f"web.{OWN}", "AAAA", "NODATA"), (f"web.{SVC}", "AAAA", "NXDOMAIN"), (f"web.{DOMAIN}", "AAAA", "NXDOMAIN")]
    assert (made.result, made.found) == (("10.96.0.20",), f"web.{OWN}")
    assert "failure for the others" in made.why
    assert list(lookup(ResolvConf(("10.96.0.10",)), "web", SERVERS, "busybox").names) == ["web."]


def test_busybox_looks_an_address_up_backwards_and_the_others_take_it_as_it_is():
    made = lookup(CONF, "10.96.0.20", SERVERS, "busybox")
    assert [(query.name, query.type) for query in made.queries] == [("20.0.96.10.in-addr.arpa.", "PTR")]
    assert made.result == ("web.default.svc.cluster.local.",)
    assert lookup(CONF, "10.96.0.99", SERVERS, "busybox").error == "EAI_NONAME"
    made = lookup(CONF, "10.96.0.20", SERVERS)
    assert (made.queries, made.result) == ((), ("10.96.0.20",))


def test_the_hosts_file_comes_first_except_for_nslookup():
    hosts = {"Web": ("10.244.0.9",)}
    for resolver in ("glibc", "musl"):
        made = lookup(CONF, "web", SERVERS, resolver, hosts)
        assert (made.queries, made.result) == ((), ("10.244.0.9",))
    assert lookup(CONF, "web", SERVERS, "busybox", hosts).result == ("10.96.0.20",)


def test_no_aaaa_is_an_option_of_glibc_alone():
    conf = ResolvConf(CONF.nameservers, CONF.search, ("ndots:5", "no-aaaa"))
    assert len(lookup(conf, "www.example.com", SERVERS).queries) == 4
    assert len(lookup(conf, "www.example.com", SERVERS, "musl").queries) == 8


def test_a_lookup_prints_its_queries():
    assert str(lookup(resolv_conf("shop"), "db.default", SERVERS)).splitlines() == [
        "db.default looked up by glibc",
        " 1. db.default.shop.svc.cluster.local. A? 10.96.0.10: NXDOMAIN",
        " 2. db.default.shop.svc.cluster.local. AAAA? 10.96.0.10: NXDOMAIN",
        " 3. db.default.svc.cluster.local. A? 10.96.0.10: 10.244.0.2, 10.244.1.2, 10.244.1.3",
        " 4. db.default.svc.cluster.local. AAAA? 10.96.0.10: 2001:db8::, fd00::2",
        ("10.244.0.2, 10.244.1.2, 10.244.1.3, 2001:db8::, fd00::2: name 2 of those tried, db.default.svc.cluster.local., "
         "has the addresses."),
    ]


@pytest.mark.parametrize("name", ["", "a..b", "..", None, "x" * 64])
def test_names_that_are_refused(name):
    with pytest.raises(InvalidName):
        lookup(CONF, name, SERVERS)


def test_resolvers_that_are_refused():
    with pytest.raises(InvalidArgument, match="glibc, musl, busybox"):
        lookup(CONF, "web", SERVERS, "windows")
