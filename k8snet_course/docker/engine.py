"""Docker: hosts with an engine each, and the commands that one gives to it.

A :class:`Docker` keeps what was decided: networks, containers, addresses.  What each host's and container's Linux holds is
derived from that by :mod:`k8snet_course.docker.wiring`, and packets walk those tables by the same code that serves a cluster.

What is simplified: a container's name is unique over all hosts, so that one can send to it by name; the first overlay network
makes the hosts a swarm, without `docker swarm init` and `join`; there is no swarm service, only single containers.

Source: Docker Engine 29, command line reference (run, network create, connect, disconnect, rm, inspect).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from k8snet_course.device import Device
from k8snet_course.dns.records import Answer
from k8snet_course.docker.container import (
    Container,
    Listed,
    PortBinding,
    Publish,
    bindings,
    docker_name,
    identifier,
    shared_with,
)
from k8snet_course.docker.firewall import USER, Firewall
from k8snet_course.docker.lan import Lan
from k8snet_course.docker.ledger import Ledger, foreign
from k8snet_course.docker.names import lookup, resolv_conf
from k8snet_course.docker.network import BRIDGE, GATEWAY_BRIDGE, HOST, NONE, OVERLAY, Endpoint, Network, Options
from k8snet_course.docker.site import Settings, Site
from k8snet_course.docker.wiring import arp_proxies, arp_proxy, container_namespace, host_namespace
from k8snet_course.errors import AddressUnavailable, AlreadyExists, InvalidArgument, NotFound
from k8snet_course.linux.namespace import Learned, Namespace
from k8snet_course.linux.rows import Rows
from k8snet_course.linux.rule import Rule
from k8snet_course.names import nearest
from k8snet_course.objects import LISTEN_ANNOTATION
from k8snet_course.programs import Listen, containers_of, listen_text, listeners_of
from k8snet_course.underlay import ROUTER


class Docker(Lan):
    """One or several Docker hosts on the local network: docker-1 is 192.168.1.20, docker-2 192.168.1.21, ...

    ``userland_proxy`` is the daemon's option of that name; ``forward_policy`` what it makes of the chain FORWARD (DROP or
    ACCEPT); ``outside_names`` what the hosts' DNS server knows, such as {"example.com": ("203.0.113.9",)}.  Raises
    InvalidArgument or InvalidCidr.

        >>> docker = Docker()
        >>> print(docker.run("web", publish={8080: 80}), docker.run("db", image="postgres"), sep="\\n")
        container web 172.17.0.2 on docker-1
        container db 172.17.0.3 on docker-1
        >>> trace = docker.send("laptop", "docker-1", port=8080)
        >>> trace.answered, [str(change) for change in trace.nat]
        (True, ['destination: 192.168.1.20 -> 172.17.0.2', 'destination port: 8080 -> 80'])
        >>> docker.lookup("web", "db").status
        'NXDOMAIN'
    """

    def __init__(self, hosts: int = 1, *, node_network: str = "192.168.1.0/24", userland_proxy: bool = True,
                 forward_policy: str = "DROP", outside_names: Mapping[str, tuple[str, ...]] | None = None) -> None:
        super().__init__(hosts, "docker", 20, node_network)
        if forward_policy not in ("DROP", "ACCEPT"):
            raise InvalidArgument(forward_policy, "the policy of the chain FORWARD, DROP or ACCEPT",
                                  "write forward_policy='DROP'")
        self._settings = Settings(bool(userland_proxy), forward_policy)
        self._outside = {name.rstrip(".").lower(): tuple(found) for name, found in (outside_names or {}).items()}
        self._ledger = Ledger(self._machines, self._wire)
        self._containers: dict[str, Container] = {}
        self._made = 0

    # -- what there is -------------------------------------------------------------------------------------------------

    @property
    def pods(self) -> tuple[Container, ...]:
        """The containers of all hosts, in the order in which they were made."""
        return tuple(self._containers.values())

    @property
    def containers(self) -> tuple[Container, ...]:
        """The same, by their usual name."""
        return self.pods

    def container(self, name: str) -> Device:
        """The tables of a container.  Raises NotFound."""
        found = self._container(name)
        return Device(self, found.key, found.ip)

    def networks(self, host: str | None = None) -> Rows[Network]:
        """The networks of a host (the first one, unless told), as `docker network ls` lists them.  Raises NotFound.

            >>> print(*(net.name for net in Docker().networks()))
            bridge host none
        """
        return Rows(self._ledger.networks(self._at(host)).values())

    def ps(self, host: str | None = None) -> Rows[Listed]:
        """The containers of a host, or of all, as `docker ps` lists them.  Raises NotFound."""
        at = None if host is None else self._machine(host).name
        return Rows(Listed.of(each) for each in self.pods if at in (None, each.node))

    def endpoints(self, network: str, host: str | None = None) -> Rows[Endpoint]:
        """The places of a host's containers in a network.  Raises NotFound."""
        return Rows(end for _, end in self._members(self._ledger.network(network, self._at(host))))

    def inspect(self, network: str, host: str | None = None) -> dict[str, Any]:
        """What `docker network inspect` says: the network's settings, and each container with its addresses.  Raises NotFound.

            >>> docker = Docker()
            >>> _ = docker.run("web")
            >>> said = docker.inspect("bridge")
            >>> said["IPAM"]["Config"], [one["IPv4Address"] for one in said["Containers"].values()]
            ([{'Subnet': '172.17.0.0/16', 'Gateway': '172.17.0.1'}], ['172.17.0.2/16'])
        """
        net = self._ledger.network(network, self._at(host))
        there = {container.id: {"Name": container.name, "EndpointID": identifier(container.id, net.id), "MacAddress": end.mac,
                                "IPv4Address": end.interface, "IPv6Address": ""} for container, end in self._members(net)}
        config = [{"Subnet": net.subnet, "Gateway": net.gateway}] if net.subnet else []
        return {"Name": net.name, "Id": net.id, "Scope": net.scope, "Driver": net.driver, "EnableIPv4": True,
                "EnableIPv6": False, "IPAM": {"Driver": "default", "Config": config}, "Internal": net.internal,
                "Containers": there}

    def iptables_save(self, host: str | None = None) -> str:
        """The netfilter rules of a host, as `iptables-save` prints them.  Raises NotFound."""
        return Firewall.of(self._site(self._at(host))).text()

    def lookup(self, container: str, name: str) -> Answer:
        """What a program in a container gets for a name (its A records).  Raises NotFound.

            >>> docker = Docker()
            >>> _ = docker.network_create("app")
            >>> _ = docker.run("web", network="app"), docker.run("db", network="app")
            >>> docker.lookup("web", "db").addresses
            ('172.18.0.3',)
        """
        asking = self._owner(self._container(container))
        return lookup(self._site(asking.node), asking, str(name), self._outside)

    def resolv_conf(self, container: str) -> str:
        """The file /etc/resolv.conf of a container.  Raises NotFound."""
        asking = self._owner(self._container(container))
        return resolv_conf(self._site(asking.node), asking, self._underlay.address[ROUTER])

    # -- networks ------------------------------------------------------------------------------------------------------

    def network_create(self, name: str, driver: str = BRIDGE, subnet: str | None = None, *, host: str | None = None,
                       internal: bool = False, options: Mapping[str, str] | None = None) -> Network:
        """Make a network, as `docker network create` does: on one host (the first, unless told), or an overlay over all.

        Without a ``subnet`` it gets the next free one (172.18.0.0/16, ...; an overlay 10.0.1.0/24, ...).  ``internal`` makes
        one that leads nowhere.  Raises InvalidName, AlreadyExists, InvalidArgument, InvalidCidr, CidrOverlap, NotFound or
        AddressesExhausted; nothing has changed then.

            >>> docker = Docker(hosts=2)
            >>> docker.network_create("app").subnet, docker.network_create("far", driver="overlay").subnet
            ('172.18.0.0/16', '10.0.1.0/24')
        """
        docker_name(name, "network")
        chosen = Options.read(dict(options or {}))
        at = self._at(host)
        if driver == BRIDGE:
            made = self._ledger.add_bridge(at, name, chosen, subnet, internal=internal)
        elif driver != OVERLAY:
            raise InvalidArgument(driver, "a driver that can make a network here: bridge or overlay", "write driver='bridge'")
        elif internal or options:
            raise InvalidArgument(options or "internal", "an overlay network without options",
                                  "leave internal and options out")
        else:
            made = self._ledger.add_overlay(name, subnet)
        self._changed()
        return made

    def foreign_bridge(self, name: str, subnet: str, *, host: str | None = None) -> Network:
        """A bridge that another program makes on a Docker host, such as ``cni0`` of a CNI plugin; Docker writes no rule for it.

        Containers that are run with this name as their network stand for that program's pods.  Raises what network_create does.

            >>> docker = Docker()
            >>> _ = docker.foreign_bridge("cni0", "10.244.0.0/24")
            >>> _ = docker.run("pod-a", network="cni0"), docker.run("pod-b", network="cni0")
            >>> docker.send("pod-a", "pod-b").answered, docker.send("pod-a", "laptop", None).reason
            (True, "docker-1's rule '-P FORWARD DROP' says DROP")
        """
        docker_name(name, "network")
        made = foreign(self._ledger, self._at(host), name, subnet)
        self._changed()
        return made

    def network_rm(self, name: str, host: str | None = None) -> None:
        """Remove a network that no container is attached to.  Raises NotFound or InvalidArgument."""
        net = self._ledger.network(name, self._at(host))
        if name in (BRIDGE, HOST, NONE, GATEWAY_BRIDGE):
            raise InvalidArgument(name, "a network that a user made", "leave this one alone: Docker needs it")
        if self._members(net):
            raise InvalidArgument(name, "a network without containers", "disconnect or remove its containers first")
        self._ledger.remove(net)
        self._changed()

    def connect(self, network: str, container: str, aliases: Iterable[str] = ()) -> Container:
        """Attach a container to one more network: it gets another interface there.

        Raises NotFound, AlreadyExists, InvalidArgument or AddressesExhausted; nothing has changed then.
        """
        found = self._container(container)
        net = self._ledger.network(network, found.node)
        if not found.own_network or found.mode == NONE:
            raise InvalidArgument(container, f"a container with a network of its own, not one with network={found.mode!r}",
                                  "run it on a bridge network")
        if net.driver in (HOST, NONE):
            raise InvalidArgument(network, "a bridge or overlay network", "make one with network_create")
        if found.endpoint(network) is not None:
            raise AlreadyExists(f"{container} on {network}", "a network that the container is not on", "leave it as it is")
        return self._settled(self._ledger.attach(found, net, tuple(aliases)))

    def disconnect(self, network: str, container: str) -> Container:
        """Take a container off a network.  Raises NotFound."""
        found = self._container(container)
        end = found.endpoint(network)
        if end is None:
            on = ", ".join(each.network for each in found.endpoints) or "none"
            raise NotFound(network, f"a network that {container} is on ({on})", "use one of them")
        return self._settled(self._detached(found, end))

    # -- containers ----------------------------------------------------------------------------------------------------

    def run(self, name: str, image: str = "nginx", network: str = BRIDGE, publish: Publish | None = None, *,
            host: str | None = None, listen: Listen | None = None, aliases: Iterable[str] = (),
            labels: Mapping[str, str] | None = None) -> Container:
        """Make and start a container, as `docker run -d --name` does.

        ``network`` is the name of a network, ``host``, ``none`` or ``container:NAME``; ``publish`` are ports of the host that
        lead to it, such as {8080: 80} or {"127.0.0.1:5353": "53/udp"}; ``listen`` is what its program listens on, where the
        image does not tell; ``aliases`` are further names on a network that a user made.  Without ``host`` it runs where its
        network is, or on the first host.  Raises InvalidName, AlreadyExists, NotFound, InvalidArgument, AddressUnavailable
        (the host's port is taken) or AddressesExhausted; nothing has changed then.

            >>> docker = Docker()
            >>> for name, mode in (("web", "bridge"), ("agent", "host"), ("idle", "none"), ("sidecar", "container:web")):
            ...     print(docker.run(name, network=mode, listen=[]))
            container web 172.17.0.2 on docker-1
            container agent 192.168.1.20 on docker-1
            container idle without an address on docker-1
            container sidecar 172.17.0.2 on docker-1
        """
        docker_name(name, "container")
        self._must_be_new(name)
        owner = self._container(shared_with(network)) if shared_with(str(network)) else None
        at = owner.node if owner is not None else self._place(network, host)
        if owner is not None and host not in (None, at):
            raise InvalidArgument(host, f"the host of {owner.name}, {at}", "leave host out")
        wanted = bindings(publish)
        annotations = {} if listen is None else {LISTEN_ANNOTATION: listen_text(listen)}
        made = Container(name, at, "", labels=dict(labels or {}), annotations=annotations, containers=containers_of(image),
                         host_network=network == HOST, id=identifier("container", self._made + 1, name), mode=network,
                         shares=self._owner(owner).key if owner is not None else "")
        listeners_of(made)  # raises for ports that cannot be read, before anything has changed
        if owner is not None:
            if wanted:
                raise InvalidArgument(publish, "no published ports with the network of another container",
                                      f"publish the ports when you run {owner.name}")
        elif network not in (HOST, NONE):  # with these two Docker discards published ports
            net = self._ledger.network(network, at)
            self._ports_free(at, wanted)
            made = self._ledger.attach(replace(made, published=wanted), net, tuple(aliases))
        self._made += 1
        return self._settled(made)

    def rm(self, container: str) -> None:
        """Stop and remove a container, as `docker rm -f` does; its address and ports are free again.

        Raises NotFound, or InvalidArgument while another container uses its network.
        """
        found = self._container(container)
        sharing = next((each.name for each in self.pods if each.shares == found.key), "")
        if sharing:
            raise InvalidArgument(container, f"a container whose network no other one uses ({sharing} does)",
                                  f"remove {sharing} first")
        for end in found.endpoints:
            self._detached(found, end)
        del self._containers[found.key]
        self._learned.pop(found.key, None)
        self._ledger.drop_tunnels(found.node, self.pods)
        self._changed()

    def user_rules(self, *rules: Rule, host: str | None = None) -> None:
        """Write an administrator's rules into DOCKER-USER, which is read before all rules of Docker's.

        Raises InvalidArgument for a rule of another chain, NotFound.
        """
        for rule in rules:
            if not isinstance(rule, Rule) or rule.chain != USER:
                raise InvalidArgument(rule, f"rules of the chain {USER}", f"write Rule('{USER}', ...)")
        self._ledger.user_rules(self._at(host)).extend(rules)
        self._changed()

    # -- what the linux layer asks ---------------------------------------------------------------------------------------

    def _derive(self, name: str, learned: Learned) -> Namespace:
        if name in self._machines:
            machine = self._machines[name]
            return host_namespace(self._site(name), self._underlay.host_links(name, machine.ip),
                                  self._underlay.host_routes(name, machine.ip), learned)
        if name in self._containers:
            container = self._containers[name]
            return container_namespace(self._site(container.node), container, learned)
        for host in self._machines:
            found = arp_proxy(self._site(host), name)
            if found is not None:
                return found
        raise NotFound(name, "a host or a container", "list them with docker.nodes and docker.containers")

    def _held(self) -> Iterable[tuple[str, str]]:
        yield from ((address, name) for name, address in self._underlay.held())
        for machine in self.nodes:
            yield machine.ip, machine.name
            site = self._site(machine.name)
            yield from ((net.gateway, machine.name) for net in site.bridges)
            yield from ((address, name) for name, address, *_ in arp_proxies(site))
        for container in self.pods:
            yield from ((end.ip, container.key) for end in container.endpoints)

    def _device(self, name: str) -> str:
        found = self._containers.get(name)
        if found is None or found.own_network:
            return name
        return found.node if found.host_network else found.shares

    def _address_for(self, source: str, target: str) -> str:
        """Of the addresses of a container, the one on a network that both are on; else the first."""
        device = self._device(target)
        if device not in self._containers:
            return super()._address_for(source, device)
        to, mine = self._containers[device], self._containers.get(self._device(source))
        for own in mine.endpoints if mine is not None else ():
            end = to.endpoint(own.network)
            nets = self._ledger.networks(to.node)
            if end is not None and mine is not None and (mine.node == to.node or nets[own.network].driver == OVERLAY):
                return end.ip
        return to.ip

    # -- its own -------------------------------------------------------------------------------------------------------

    def _at(self, host: str | None) -> str:
        """A host's name; the first one's where nobody says.  Raises NotFound."""
        return self.nodes[0].name if host is None else self._machine(host).name

    def _site(self, host: str) -> Site:
        """One host, as those see it who write its tables."""
        return self._ledger.site(host, self.pods, self._settings)

    def _members(self, net: Network) -> list[tuple[Container, Endpoint]]:
        """Who is in a network, and where."""
        there = [each for each in self.pods if net.host in ("", each.node)]
        return [(each, end) for each in there if (end := each.endpoint(net.name)) is not None]

    def _container(self, name: str) -> Container:
        """A container by its name, or by the beginning of its id.  Raises NotFound."""
        for each in self.pods:
            if isinstance(name, str) and (name in (each.name, each.key) or (len(name) >= 4 and each.id.startswith(name))):
                return each
        known = [each.name for each in self.pods]
        raise NotFound(name, f"a container: {', '.join(known) or 'there is none yet'}",
                       f"write '{nearest(name, known)}'" if known else "make one with run")

    def _owner(self, container: Container) -> Container:
        """The container whose network a container uses: its own, or another one's."""
        return self._containers[container.shares] if container.shares else container

    def _place(self, network: str, host: str | None) -> str:
        """Where to run a container of this network."""
        having = [name for name in self._machines if network in self._ledger.networks(name)]
        return having[0] if having and host is None else self._at(host)

    def _ports_free(self, host: str, wanted: Sequence[PortBinding]) -> None:
        """Raises AddressUnavailable if somebody on the host has one of these ports."""
        here = [each for each in self.pods if each.node == host]
        taken = [(row.protocol, row.address, row.port) for each in here if each.host_network for row in listeners_of(each)]
        taken += [(each.protocol, each.host_ip, each.host_port) for one in here for each in one.published]
        for binding in wanted:
            if any(binding.excludes(*each) for each in taken):
                raise AddressUnavailable(f"{binding.host_ip}:{binding.host_port}", f"a free port of {host} for {binding}",
                                         "publish the container at another port of the host")

    def _detached(self, container: Container, end: Endpoint) -> Container:
        """The container without that place, which nobody remembers."""
        self._gone(container.key, end.ip, container.node, end.host_link)
        return self._ledger.detach(container, end)

    def _settled(self, container: Container) -> Container:
        """Put a container in its place: with the way out that its networks need, and the address that it is called by."""
        outward, needs = container.endpoint(GATEWAY_BRIDGE), self._ledger.needs_way_out(container)
        if needs and outward is None:
            container = self._ledger.attach(container, self._ledger.network(GATEWAY_BRIDGE, container.node))
        elif outward is not None and not needs:
            container = self._detached(container, outward)
        container = replace(container, ip=self._called(container))
        self._containers[container.key] = container
        for each in self.pods:
            if each.shares == container.key:
                self._containers[each.key] = replace(each, ip=container.ip)
        self._ledger.drop_tunnels(container.node, self.pods)
        self._changed()
        return container

    def _called(self, container: Container) -> str:
        """The address by which one calls a container; empty if it has none."""
        if container.host_network:
            return self._machines[container.node].ip
        if container.shares:
            return self._containers[container.shares].ip
        return container.endpoints[0].ip if container.endpoints else ""
