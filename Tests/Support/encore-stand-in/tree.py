"""The command tree of `encore`, and how the library it is built on reads arguments."""

import sys


class Usage(Exception):
    """Wrong use: told on stderr, exit 1."""


# A flag is NAME/SHORT:KIND with kinds b(ool), s(tring), l(ist), c(ount); arguments are a number, "none" or "any".
ROOT_FLAGS = "verbose/v:c trace:s help/h:b"
DB = "namespace/n:s env/e:s test/t:b shadow:b write:b admin:b superuser:b"
LEAVES = {
    "alpha deploy": ("app:s env/e:s commit:s branch:s format/f:s", "any"),
    "alpha exec": ("namespace/n:s", "any"),
    "app clone": ("", "any"),
    "app create": ("platform:b example:s", "any"),
    "app init": ("", "any"),
    "app link": ("force/f:b", "any"),
    "auth signup": ("", "any"),
    "auth login": ("auth-key/k:s", "any"),
    "auth logout": ("", "any"),
    "auth whoami": ("", "any"),
    "build docker": ("push/p:b base:s cgo:b skip-config:b config:s services:l gateways:l os:s arch:s", 1),
    "check": ("timeout:s", "any"),
    "config": ("all:b app:b global:b", "any"),
    "daemon": ("foreground/f:b", "any"),
    "db conn-uri": (DB, "any"),
    "db proxy": (DB + " port/p:s", "any"),
    "db reset": ("namespace/n:s all:b test/t:b shadow:b", "any"),
    "db shell": (DB, "any"),
    "exec": ("namespace/n:s", "any"),
    "gen client": ("lang/l:s output/o:s env/e:s services/s:l", "any"),
    "kubernetes configure": ("env/e:s", "any"),
    "logs": ("env/e:s json:b quiet/q:b", "any"),
    "mcp run": ("app:s", "any"),
    "mcp start": ("app:s", "any"),
    "namespace create": ("", 1),
    "namespace delete": ("", 1),
    "namespace list": ("output/o:s", "any"),
    "namespace switch": ("create/c:b", 1),
    "run": ("watch/w:b listen:s port/p:s json:b namespace/n:s color:b no-color:b redact:b", "none"),
    "secret archive": ("", 1),
    "secret delete": ("yes/y:b", 1),
    "secret list": ("", "any"),
    "secret set": ("dev/d:b prod/p:b type/t:l env/e:l", 1),
    "secret unarchive": ("", 1),
    "telemetry enable": ("", "any"),
    "telemetry disable": ("", "any"),
    "test": ("", "any"),
    "version": ("", "any"),
}
GROUPS = {
    "alpha": "Pre-release functionality in alpha stage.",
    "app": "Commands to create and link Encore apps",
    "auth": "Commands to authenticate with Encore",
    "build": "build provides ways to build your application for deployment",
    "db": "Database management commands",
    "gen": "Code generation commands",
    "kubernetes": "Kubernetes management commands",
    "mcp": "MCP (Message Context Provider) commands",
    "namespace": "Manage infrastructure namespaces",
    "secret": "Secret management commands",
    "telemetry": "Reports the current telemetry status",
}
ALIASES = {"secrets": "secret", "eject": "build", "k8s": "kubernetes", "ns": "namespace"}
HIDDEN = {"alpha"}
CHOICES = {"alpha deploy": {"format": ("text", "json")}, "build docker": {"os": ("linux",), "arch": ("amd64", "arm64")}}


def flags_of(name):
    """Long and short names with their kind."""
    known = {}
    for word in (LEAVES.get(name, ("", "any"))[0] + " " + ROOT_FLAGS).split():
        names, kind = word.split(":")
        long, _, short = names.partition("/")
        known["--" + long] = (long, kind)
        if short:
            known["-" + short] = (long, kind)
    return known


def children(name):
    prefix = name + " " if name else ""
    words = {leaf[len(prefix):].split(" ")[0] for leaf in LEAVES if leaf.startswith(prefix)}
    return words


def positions(arguments, known):
    """Indices of words that are no flags and no values of flags."""
    result, skip = [], False
    for index, word in enumerate(arguments):
        if skip:
            skip = False
        elif word == "--":
            break
        elif word.startswith("-") and len(word) > 1:
            # An unknown flag counts as taking a value here, and is refused later.
            skip = "=" not in word and known.get(word, ("", "s"))[1] in "sl" and len(word) != 2 or (
                len(word) == 2 and known.get(word, ("", "s"))[1] in "sl")
        else:
            result.append(index)
    return result


def find(arguments):
    """The command and what is left of the arguments."""
    name, rest = "", list(arguments)
    while True:
        places = positions(rest, flags_of(name))
        if not places:
            return name, rest
        word = ALIASES.get(rest[places[0]], rest[places[0]])
        if word not in children(name):
            if not name and word != "help":
                raise Usage(f'unknown command "{rest[places[0]]}" for "encore"')
            return name, rest
        name = (name + " " + word).strip()
        del rest[places[0]]


def parse(name, arguments):
    """Flags and positional arguments."""
    known, flags, positional, rest = flags_of(name), {}, [], list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            positional += rest
            break
        if not word.startswith("-") or word == "-":
            positional.append(word)
            continue
        key, equals, value = word.partition("=")
        if not word.startswith("--") and len(key) > 2:
            key, equals, value = word[:2], "=", word[2:].removeprefix("=")
        if key not in known:
            shown = f"unknown flag: {key}" if key.startswith("--") else f"unknown shorthand flag: '{key[1]}' in {word}"
            raise Usage(usage(name) + "\n" + shown)
        long, kind = known[key]
        if kind in "bc":
            flags[long] = not equals or value in ("true", "1", "t")
            continue
        if not equals:
            if not rest:
                raise Usage(usage(name) + f"\nflag needs an argument: {key}")
            value = rest.pop(0)
        allowed = CHOICES.get(name, {}).get(long)
        if allowed and value not in allowed:
            shown = " or ".join(f'"{one}"' for one in allowed)
            raise Usage(usage(name) + f'\ninvalid argument "{value}" for "{key}" flag: must be one of {shown}')
        flags[long] = flags.get(long, []) + value.split(",") if kind == "l" else value
    return flags, positional


def usage(name):
    path = ("encore " + name).strip()
    lines = ["Usage:", f"  {path} [flags]" if name in LEAVES else f"  {path} [command]"]
    below = sorted(children(name) - HIDDEN) if name not in LEAVES else []
    if below:
        lines += ["", "Available Commands:"] + ["  " + word for word in below]
        lines += ["", f'Use "{path} [command] --help" for more information about a command.']
    return "\n".join(lines) + "\n"


def dispatch(arguments):
    """The command to run with flags and arguments; None when help was printed."""
    name, rest = find(arguments)
    flags, positional = parse(name, rest)
    if flags.get("help") or name not in LEAVES:
        # The trap: an unknown sub-command of a group ends here, with 0.
        print(GROUPS.get(name, "encore is the fastest way of developing backend applications") + "\n")
        print(usage(name), end="")
        return None, {}, []
    wanted = LEAVES[name][1]
    if wanted == "none" and positional:
        raise Usage(usage(name) + f'\nunknown command "{positional[0]}" for "encore {name}"')
    if isinstance(wanted, int) and len(positional) != wanted:
        raise Usage(usage(name) + f"\naccepts {wanted} arg(s), received {len(positional)}")
    if name == "alpha deploy":
        check_deploy(name, flags)
    return name, flags, positional


def check_deploy(name, flags):
    if "env" not in flags:
        raise Usage(usage(name) + '\nrequired flag(s) "env" not set')
    given = [one for one in ("commit", "branch") if one in flags]
    if not given:
        raise Usage(usage(name) + "\nat least one of the flags in the group [commit branch] is required")
    if len(given) == 2:
        raise Usage(usage(name) + "\nif any flags in the group [commit branch] are set none of the others can be;"
                    " [branch commit] were all set")
