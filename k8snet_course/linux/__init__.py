"""The linux layer: what each device's Linux holds, and the walk of a packet through it.

Tables are values and small containers (packet, link, route, neighbour, bridge, namespace); ``resolve`` asks a wire for an
address; ``forward`` walks; ``trace`` is what a walk leaves behind.
"""
