"""Which names Kubernetes accepts, and the error that says what is wrong with one it does not.

Source: Kubernetes documentation, "Object Names and IDs"; RFC 1123 section 2.1; RFC 1035 section 2.3.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from k8snet_course.errors import InvalidName

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def dns_label(name: object, what: str = "name") -> str:
    """The name, if it is an RFC 1123 label (namespaces, host names): at most 63 of a-z, 0-9 and '-', none at the ends.

    Raises InvalidName.

        >>> dns_label("shop")
        'shop'
        >>> dns_label("Shop_1")
        Traceback (most recent call last):
        k8snet_course.errors.InvalidName: invalid name 'Shop_1': expected as a name an RFC 1123 label (1 to 63 of a-z, 0-9 \
and '-', with a letter or digit at both ends); write 'shop-1'.
    """
    if isinstance(name, str) and len(name) <= 63 and _LABEL.fullmatch(name):
        return name
    raise InvalidName(short(name), f"as a {what} an RFC 1123 label (1 to 63 of a-z, 0-9 and '-', with a letter or digit at "
                      "both ends)", _suggest(name, 63))


def dns_subdomain(name: object, what: str = "name") -> str:
    """The name, if it is an RFC 1123 subdomain (pods and most objects): labels joined by dots, 253 characters at most.

    Raises InvalidName.

        >>> dns_subdomain("backend.v2", "pod name")
        'backend.v2'
    """
    if isinstance(name, str) and len(name) <= 253 and _SUBDOMAIN.fullmatch(name):
        return name
    raise InvalidName(short(name), f"as a {what} an RFC 1123 subdomain (1 to 253 of a-z, 0-9, '-' and '.', with a letter or "
                      "digit at both ends of each part)", _suggest(name, 253))


def is_dns_subdomain(name: str) -> bool:
    """Whether a text is an RFC 1123 subdomain.

    >>> is_dns_subdomain("db.example.com"), is_dns_subdomain("DB_1")
    (True, False)
    """
    return len(name) <= 253 and _SUBDOMAIN.fullmatch(name) is not None


def check_labels(labels: object) -> None:
    """Refuse what Kubernetes would not take as labels: texts to texts, of 63 of A-Z, a-z, 0-9, '-', '_' and '.' at most.

    Raises InvalidName.

        >>> check_labels({"app": "web", "app.kubernetes.io/name": "shop"})
    """
    if not isinstance(labels, (dict, Mapping)):  # a dict is the usual case, and quickly recognised
        raise InvalidName(short(str(labels)), "labels as a map of texts", "write labels={'app': 'web'}")
    for key, value in labels.items():
        if not (isinstance(key, str) and _LABEL_KEY.fullmatch(key)):
            raise InvalidName(short(key), "as a label's key a text such as 'app' or 'example.com/app'", "write 'app'")
        if not (isinstance(value, str) and len(value) <= 63 and _LABEL_VALUE.fullmatch(value)):
            raise InvalidName(short(value), f"as the value of the label {key} a text of at most 63 of A-Z, a-z, 0-9, '-', '_' "
                              "and '.', with a letter or digit at both ends", "write a text such as 'web'")


def short(name: object) -> object:
    """A name as it fits into a sentence."""
    return name[:60] + "..." if isinstance(name, str) and len(name) > 63 else name


def _suggest(name: object, longest: int) -> str:
    """How to mend a name: the nearest right one where there is one."""
    if not isinstance(name, str):
        return "write the name as a text"
    near = re.sub(r"[^a-z0-9.-]+" if longest > 63 else r"[^a-z0-9-]+", "-", name.lower())[:longest].strip("-.")
    return f"write '{near if len(near) <= 63 else near[:60] + '...'}'" if near else "write a name such as 'frontend'"


def nearest(name: object, known: Iterable[str]) -> str:
    """The known name that is most like the given one, to suggest in an error; the first one where none is alike.

    >>> nearest("brigde", ["none", "bridge"])
    'bridge'
    """
    names = list(known)
    alike = get_close_matches(str(name)[:100], names, 1, 0.4)
    return alike[0] if alike else names[0] if names else ""


def with_article(noun: str) -> str:
    """A noun as it stands in a sentence.

    >>> with_article("Ingress"), with_article("Service"), with_article("UDP port")
    ('an Ingress', 'a Service', 'a UDP port')
    """
    return f"an {noun}" if noun[:1] in "aeioAEIO" and noun else f"a {noun}"
