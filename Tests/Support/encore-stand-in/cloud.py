"""The emulated platform as the command sees it: requests, answers, and the credentials file."""

import datetime
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request

VERSION = "v1.58.2"


class Fatal(Exception):
    """Ends with 1 and `error: …`."""


class APIError(Exception):
    """The platform said no."""

    def __init__(self, status, code, detail):
        super().__init__(f"http {status}: code={code}" + (f" detail={json.dumps(detail)}" if detail else ""))
        self.status, self.code, self.detail = status, code, detail


# The platform


def base():
    url = os.environ.get("ENCORE_PLATFORM_API_URL", "")
    if not re.match(r"http://(127\.0\.0\.1|localhost)(:\d+)?$", url):
        raise Fatal("the stand-in talks to loopback only: set ENCORE_PLATFORM_API_URL")
    return url


def send(method, path, body=None, form=None, token=None, timeout=30):
    """Status and bytes of the answer."""
    headers = {"User-Agent": "EncoreCLI/" + VERSION, "X-Encore-Version": VERSION, "X-Encore-GOOS": "linux",
               "X-Encore-GOARCH": "amd64"}
    data = None
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    if form is not None:
        data, headers["Content-Type"] = urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded"
    if token:
        headers["Authorization"] = "Bearer " + token
    request = urllib.request.Request(base() + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        raise Fatal(f"{method} {path}: {getattr(error, 'reason', error)}") from None


def call(method, path, body=None, auth=True, timeout=30):
    """The data of an enveloped answer."""
    status, raw = send(method, path, body, token=access_token() if auth else None, timeout=timeout)
    try:
        answer = json.loads(raw)
    except ValueError:
        raise Fatal(f"{method} {path}: decode response: invalid character {raw[:1].decode(errors='replace')!r}"
                    " looking for beginning of value") from None
    if not answer.get("ok"):
        error = answer.get("error") or {}
        raise APIError(status, error.get("code", ""), error.get("detail"))
    return answer.get("data")


def graphql(query, variables, timeout=5):
    _, raw = send("POST", "/graphql", {"query": query, "variables": variables}, token=access_token(), timeout=timeout)
    answer = json.loads(raw)
    if answer.get("errors"):
        raise GraphQLError(answer["errors"])
    if "data" not in answer:
        raise Fatal("decode graphql data: unexpected end of JSON input")
    return answer["data"]


class GraphQLError(Exception):
    def __init__(self, errors):
        super().__init__("graphql request failed: " + errors[0].get("message", ""))
        self.conflict = next((e["extensions"]["conflict"] for e in errors if e.get("extensions", {}).get("conflict")), None)


def scripted(command):
    """What the twin wants to go wrong in this run; None is nothing."""
    status, raw = send("GET", "/_twin/command?" + urllib.parse.urlencode({"name": command}))
    return json.loads(raw).get("fault") if status == 200 else None


# Credentials


def credentials_path():
    directory = os.environ.get("ENCORE_CONFIG_DIR") or os.path.join(
        os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.environ.get("HOME", "/"), ".config"), "encore")
    return os.path.join(directory, ".auth_token")


def read_credentials():
    try:
        with open(credentials_path(), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Fatal(f"conf.CurrentUser: {error}") from None


def write_credentials(credentials):
    path = credentials_path()
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(credentials, file)


def access_token():
    credentials = read_credentials()
    if not credentials:
        raise Fatal("not logged in: run 'encore auth login' first")
    expiry = datetime.datetime.fromisoformat(credentials["expiry"].replace("Z", "+00:00"))
    if expiry > datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=10):
        return credentials["access_token"]
    status, raw = send("POST", "/login/oauth:refresh-token",
                       form={"grant_type": "refresh_token", "refresh_token": credentials.get("refresh_token", "")})
    if status == 422:
        os.remove(credentials_path())
        raise Fatal("invalid refresh token")
    if status != 200:
        raise Fatal(f"oauth2: cannot fetch token: {status}")
    credentials.update(json.loads(raw))
    write_credentials(credentials)
    return credentials["access_token"]
