"""A subnet calculator: type a network, see its range, its size and its halves."""

import ipaddress

from flask import Flask, render_template, request
from werkzeug.middleware.proxy_fix import ProxyFix

LONGEST_QUERY = 64
WIDEST_OF_ONE_KIND = 8
EXAMPLES = ("10.201.0.0/16", "192.168.1.77/27", "2001:db8::/48")

app = Flask(__name__)

# The proxy strips the route's prefix and says it in X-Forwarded-Prefix: with it, url_for makes links that fit.
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_prefix=1)


def parse_network(text):
    """Returns the network that contains the typed address; ValueError says in words what is wrong."""
    text = text.strip()
    if len(text) > LONGEST_QUERY:
        raise ValueError("That is too long for a network.")
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("That is not a network. Write an address, a slash and a length, like 10.0.0.0/24.") from None


def describe(network):
    """Returns what a person wants to know of a network, as pairs of a word and its value."""
    first, last = network[0], network[-1]
    facts = [("Network", network.with_prefixlen), ("First address", first), ("Last address", last)]
    if network.version == 4 and network.prefixlen < 31:
        facts[1:] = [("First host", first + 1), ("Last host", last - 1), ("Broadcast", last)]
    facts.append(("Addresses", f"{network.num_addresses:,}"))
    if network.version == 4:
        facts += [("Mask", network.netmask), ("Wildcard", network.hostmask)]
    if network.prefixlen >= WIDEST_OF_ONE_KIND:
        facts.append(("Kind", kind(network)))
    if network.prefixlen < network.max_prefixlen:
        facts.append(("Halves", " and ".join(str(half) for half in network.subnets())))
    return facts


def kind(network):
    """Returns the most telling of the registries' categories for a network."""
    for word in ("loopback", "link_local", "multicast", "unspecified", "private", "global"):
        if getattr(network, f"is_{word}"):
            return word.replace("_", "-")
    return "reserved"


@app.get("/")
def show_calculator():
    query = request.args.get("network", "")
    facts, problem = [], ""
    if query:
        try:
            facts = describe(parse_network(query))
        except ValueError as error:
            problem = str(error)
    page = render_template("index.html", query=query, facts=facts, problem=problem, examples=EXAMPLES)
    return page, 422 if problem else 200


@app.get("/health")
def show_health():
    return "ok\n", {"Content-Type": "text/plain"}


@app.after_request
def add_security_headers(response):
    response.headers["Content-Security-Policy"] = "default-src 'self'; frame-ancestors 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
