"""`encore build docker`: an image of the application's files, pushed to a registry on loopback."""

import base64
import datetime
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request


class Failed(Exception):
    """What the export stream says before it ends with 1."""


def say(text):
    print("INF " + text, file=sys.stderr, flush=True)


def build(tag, root, settings, flags, fault):
    """Exit code of the export stream."""
    if fault == "daemon-failed":
        raise Failed("timed out waiting for daemon to start")
    config = None
    if not flags.get("skip-config"):
        config = read_config(flags.get("config"))
    say(f"compiling Encore application for {flags.get('os', 'linux')}/{flags.get('arch', 'amd64')}")
    if fault == "incomplete-config":
        raise Failed("build infra config: Your infra configuration is incomplete")
    if fault == "stream-cut":
        return 0  # As the real one when its daemon dies: silence, and success.
    revision = "0" * 40 if fault == "stale-image" else revision_of(root, settings)
    if not flags.get("push"):
        raise Failed("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
    registry = Registry(tag)
    layer = layer_of(root, config)
    blob = gzip.compress(layer, mtime=0)
    description = {
        "architecture": flags.get("arch", "amd64"), "os": "linux",
        "created": datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z"),
        "config": {"Env": ["ENCORE_INFRA_CONFIG_PATH=/encore/infra.config.json"] if config is not None else [],
                   "Labels": {"org.opencontainers.image.revision": revision}, "WorkingDir": "/workspace"},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
    }
    content = json.dumps(description).encode()
    say("pushing docker image to container registry")
    for piece in (blob, content):
        registry.push(piece)
    if fault == "push-failed":
        raise Failed("push image: unexpected status code 500 Internal Server Error")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": kind,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(content),
                   "digest": digest(content)},
        "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": len(blob),
                    "digest": digest(blob)}],
    }).encode()
    registry.send("PUT", f"manifests/{registry.tag}", manifest, kind)
    say("successfully pushed docker image")
    return 0


def read_config(path):
    if not path:
        return b"{}"
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Failed(f"build infra config: failed to read {path}: {error.strerror}") from None


def git(root, *arguments):
    result = subprocess.run(["git", "-C", root, *arguments], capture_output=True, check=False)
    return result.stdout if result.returncode == 0 else None


def revision_of(root, settings):
    """The commit, marked when the tree differs from it; Go only."""
    commit = (git(root, "rev-parse", "HEAD") or b"").decode().strip()
    dirty = settings.get("lang", "go") == "go" and bool(git(root, "status", "--porcelain"))
    return commit + ("-modified" if dirty else "")


def files_of(root):
    listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is not None:
        return sorted(name for name in listed.decode().split("\0") if name)
    found = []
    for directory, below, names in os.walk(root):
        below[:] = [name for name in below if name != ".git"]
        found += [os.path.relpath(os.path.join(directory, name), root) for name in names]
    return sorted(found)


def layer_of(root, config):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in files_of(root):
            path = os.path.join(root, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    add(archive, "workspace/" + name, file.read(), os.stat(path).st_mode & 0o777)
        if config is not None:
            add(archive, "encore/infra.config.json", config, 0o644)
    return buffer.getvalue()


def add(archive, name, content, mode):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Registry:
    """A repository of a registry on loopback."""

    def __init__(self, reference):
        match = re.fullmatch(r"((?:127\.0\.0\.1|localhost)(?::\d+)?)/([a-z0-9._/-]+?)(?::([\w.-]+))?", reference)
        if not match:
            raise Failed(f"the stand-in pushes to loopback only, not to {reference}")
        self.host, self.name, self.tag = match.group(1), match.group(2), match.group(3) or "latest"

    def send(self, method, path, body=b"", kind="application/octet-stream"):
        url = path if path.startswith("/") else f"/v2/{self.name}/{path}"
        request = urllib.request.Request(f"http://{self.host}{url}", data=body, method=method,
                                         headers={"Content-Type": kind, **self.credentials()})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.headers
        except urllib.error.HTTPError as error:
            raise Failed(f"push image: {method} http://{self.host}{url}: unexpected status code {error.code}") from None
        except OSError as error:
            raise Failed(f"push image: {method} http://{self.host}{url}: {getattr(error, 'reason', error)}") from None

    def push(self, blob):
        place = self.send("POST", "blobs/uploads/")["Location"]
        joint = "&" if "?" in place else "?"
        self.send("PUT", place + joint + urllib.parse.urlencode({"digest": digest(blob)}), blob)

    def credentials(self):
        """From Docker's configuration, as the real one takes them."""
        directory = os.environ.get("DOCKER_CONFIG") or os.path.join(os.environ.get("HOME", "/"), ".docker")
        try:
            with open(os.path.join(directory, "config.json"), encoding="utf-8") as file:
                entry = json.load(file).get("auths", {}).get(self.host, {})
        except (OSError, ValueError):
            return {}
        text = entry.get("auth") or ""
        if not text and entry.get("username"):
            text = base64.b64encode(f"{entry['username']}:{entry['password']}".encode()).decode()
        return {"Authorization": "Basic " + text} if text else {}
