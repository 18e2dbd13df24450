"""HTTP requests, and how hosts and paths are compared: FACTS section 10, and simple references."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.errors import InvalidArgument
from k8snet_course.services.http import (
    HttpRequest,
    any_labels_match,
    host_precision,
    one_label_matches,
    path_has_prefix,
    prefix_length,
)

PATHS = st.lists(st.sampled_from(["", "a", "b", "ab", "foo"]), max_size=4).map(lambda parts: "/" + "/".join(parts))
HOSTS = st.lists(st.sampled_from(["a", "b", "foo", "com"]), min_size=1, max_size=4).map(".".join)


@pytest.mark.parametrize(
    ("prefix", "path", "expected"),
    [
        ("/", "/", True), ("/", "/anything", True), ("/", "/any/thing", True), ("/foo", "/foo", True), ("/foo", "/foo/", True),
        ("/foo/", "/foo", True), ("/foo/", "/foo/", True), ("/aaa/bb", "/aaa/bbb", False), ("/aaa/bbb", "/aaa/bbb", True),
        ("/aaa/bbb/", "/aaa/bbb", True), ("/aaa/bbb", "/aaa/bbb/", True), ("/aaa/bbb", "/aaa/bbb/ccc", True),
        ("/aaa/bbb", "/aaa/bbbxyz", False), ("/aaa", "/ccc", False), ("/foo", "/FOO", False), ("/foo", "/", False),
        ("/abc", "/abc", True), ("/abc", "/abc/", True), ("/abc", "/abc/def", True), ("/abc", "/abcd", False),
    ],
)
def test_a_prefix_is_compared_by_elements(prefix, path, expected):
    assert path_has_prefix(path, prefix) is expected


@given(PATHS, PATHS)
def test_a_prefix_is_a_prefix_of_the_list_of_elements(path, prefix):
    elements, wanted = path[1:].split("/"), prefix[1:].split("/")
    if wanted[-1] == "":
        wanted = wanted[:-1]
    assert path_has_prefix(path, prefix) == (elements[: len(wanted)] == wanted)


@given(PATHS, st.lists(st.sampled_from(["a", "b", "foo"]), min_size=1, max_size=4).map("/".join))
def test_a_slash_at_the_end_of_a_prefix_does_not_count(path, elements):
    prefix = f"/{elements}"
    assert prefix_length(prefix + "/") == prefix_length(prefix) == len(prefix)
    assert path_has_prefix(path, prefix + "/") == path_has_prefix(path, prefix)


@pytest.mark.parametrize(
    ("pattern", "host", "one", "many"),
    [
        ("*.foo.com", "bar.foo.com", True, True),
        ("*.foo.com", "baz.bar.foo.com", False, True),
        ("*.foo.com", "foo.com", False, False),
        ("*.foo.com", "xfoo.com", False, False),
        ("*.example.com", "test.example.com", True, True),
        ("*.example.com", "foo.test.example.com", False, True),
        ("*.example.com", "example.com", False, False),
        ("foo.com", "foo.com", True, True),
        ("foo.com", "bar.foo.com", False, False),
        ("", "foo.com", True, True),
        ("", "10.0.0.1", True, True),
    ],
)
def test_a_wildcard_is_one_label_in_an_ingress_and_any_number_in_the_gateway_api(pattern, host, one, many):
    assert (one_label_matches(pattern, host), any_labels_match(pattern, host)) == (one, many)


@given(HOSTS, HOSTS)
def test_wildcards_by_labels(suffix, host):
    labels, wanted = host.split("."), suffix.split(".")
    more = len(labels) - len(wanted)
    ends = labels[max(more, 0):] == wanted
    assert any_labels_match(f"*.{suffix}", host) == (ends and more >= 1)
    assert one_label_matches(f"*.{suffix}", host) == (ends and more == 1)


def test_precision_of_hosts():
    ordered = ["foo.bar.example.com", "a.example.com", "b.com", "*.bar.example.com", "*.example.com", "*.com", ""]
    assert sorted(ordered[3:] + ordered[:3], key=host_precision, reverse=True) == ordered


@pytest.mark.parametrize(
    ("host", "scheme", "name", "port"),
    [
        ("Shop.Example.com", "http", "shop.example.com", 80), ("shop.example.com", "https", "shop.example.com", 443),
        ("shop.example.com:8080", "http", "shop.example.com", 8080), ("10.0.0.1:80", "http", "10.0.0.1", 80),
        ("[fd00::2]", "http", "fd00::2", 80), ("[fd00::2]:8443", "https", "fd00::2", 8443),
        ("a:65535", "http", "a", 65535), ("a:1", "http", "a", 1),
    ],
)
def test_host_and_port(host, scheme, name, port):
    request = HttpRequest(host, scheme=scheme)
    assert (request.hostname, request.port) == (name, port)


def test_a_request_from_a_url():
    request = HttpRequest.from_url("https://shop.example.com:8443/a%20b?x=1&x=2&y=", "DELETE", {"Version": "v2"})
    assert request == HttpRequest("shop.example.com:8443", "/a%20b", "DELETE", {"Version": "v2"}, {"x": "1", "y": ""}, "https")
    assert HttpRequest.from_url("http://shop.example.com").path == "/"
    assert (request.header("VERSION"), request.header("x")) == ("v2", None)
    assert str(request) == "DELETE https://shop.example.com:8443/a%20b?x=1&y= (Version: v2)"


@pytest.mark.parametrize("fields", [
    {"path": "cart"}, {"path": ""}, {"path": "/cart?x=1"}, {"path": "/#top"}, {"method": "get"}, {"method": ""},
    {"scheme": "ftp"}, {"host": ""}, {"host": "a b"}, {"host": "a/b"}, {"host": "a:"}, {"host": "a:0"},
    {"host": "a:65536"}, {"host": "a:b"}, {"host": "fd00::2"}, {"host": "user@a"},
])
def test_requests_that_are_refused(fields):
    with pytest.raises(InvalidArgument):
        HttpRequest(**{"host": "example.com", **fields})


@pytest.mark.parametrize("url", ["shop.example.com", "/cart", "ftp://example.com/", "http://", "http://[::1", ""])
def test_urls_that_are_refused(url):
    with pytest.raises(InvalidArgument):
        HttpRequest.from_url(url)
