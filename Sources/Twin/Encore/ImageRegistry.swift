import Crypto
import HTTPServer
import JSON

/// A registry for images, as far as pushing one and verifying its digest need it (OCI distribution, `/v2/`).
struct ImageRegistry: Sendable {
  /// Who may push and pull; without one everybody may.
  struct Account: Sendable {
    var authorization: String

    init?(_ seed: JSON) {
      guard let name = seed["username"]?.string, let password = seed["password"]?.string else { return nil }
      authorization = "Basic " + Base64.encode(Array("\(name):\(password)".utf8))
    }
  }

  struct Manifest: Sendable {
    var type: String
    var bytes: [UInt8]
  }

  var account: Account?
  /// By `NAME@sha256:…`.
  private(set) var manifests: [String: Manifest] = [:]
  /// `NAME:TAG` → digest.
  private(set) var tags: [String: String] = [:]
  private var blobs: [String: [UInt8]] = [:]
  private var uploads: [String: [UInt8]] = [:]
  private var nextUpload = 1

  var overview: JSON {
    .array(
      tags.sorted { $0.key < $1.key }.map { ["image": .string($0.key), "digest": .string($0.value)] })
  }

  mutating func answer(_ request: ServerRequest) -> ServerResponse {
    if let account, request.header("Authorization") != account.authorization {
      var refusal = ImageRegistry.refusal(401, "UNAUTHORIZED", "authentication required")
      refusal.headers.append(("WWW-Authenticate", #"Basic realm="twin""#))
      return refusal
    }
    let parts = request.path.split(separator: "/").dropFirst().map(String.init)
    if parts.isEmpty { return .json(200, [:]) }
    if parts.count >= 3, parts[parts.count - 2] == "manifests" {
      return manifest(
        request, name: parts.dropLast(2).joined(separator: "/"), reference: parts[parts.count - 1])
    }
    if let place = parts.lastIndex(of: "blobs"), place > 0 {
      return blob(
        request, name: parts[..<place].joined(separator: "/"), rest: Array(parts[(place + 1)...]))
    }
    if parts.count >= 3, Array(parts.suffix(2)) == ["tags", "list"] {
      let name = parts.dropLast(2).joined(separator: "/")
      let own = tags.keys.filter { $0.hasPrefix(name + ":") }.map { String($0.dropFirst(name.count + 1)) }
      return .json(200, ["name": .string(name), "tags": .array(own.sorted().map(JSON.string))])
    }
    return ImageRegistry.refusal(404, "NAME_UNKNOWN", "repository name not known to registry")
  }

  private mutating func manifest(_ request: ServerRequest, name: String, reference: String) -> ServerResponse
  {
    switch request.method {
    case "PUT":
      guard let content = try? JSON(parsing: request.body) else {
        return ImageRegistry.refusal(400, "MANIFEST_INVALID", "manifest invalid")
      }
      let wanted = [content["config"]].compactMap { $0 } + (content["layers"]?.array ?? [])
      for digest in wanted.compactMap({ $0["digest"]?.string }) where blobs[digest] == nil {
        return ImageRegistry.refusal(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")
      }
      let digest = ImageRegistry.digest(request.body)
      if reference.hasPrefix("sha256:"), reference != digest {
        return ImageRegistry.refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
      }
      let type = request.header("Content-Type") ?? "application/vnd.oci.image.manifest.v1+json"
      manifests[name + "@" + digest] = Manifest(type: type, bytes: request.body)
      if !reference.hasPrefix("sha256:") { tags[name + ":" + reference] = digest }
      return ServerResponse(
        status: 201,
        headers: [("Location", "/v2/\(name)/manifests/\(digest)"), ("Docker-Content-Digest", digest)])
    case "GET", "HEAD":
      let digest = reference.hasPrefix("sha256:") ? reference : tags[name + ":" + reference]
      guard let digest, let found = manifests[name + "@" + digest] else {
        return ImageRegistry.refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
      }
      return ServerResponse(
        status: 200, headers: [("Content-Type", found.type), ("Docker-Content-Digest", digest)],
        body: .bytes(found.bytes))
    default: return ImageRegistry.refusal(405, "UNSUPPORTED", "the operation is unsupported")
    }
  }

  private mutating func blob(_ request: ServerRequest, name: String, rest: [String]) -> ServerResponse {
    switch (request.method, rest.first) {
    case ("POST", "uploads"):
      let id = String(nextUpload)
      nextUpload += 1
      uploads[id] = []
      return ServerResponse(status: 202, headers: [("Location", "/v2/\(name)/blobs/uploads/\(id)")])
    case ("PATCH", "uploads") where rest.count == 2 && uploads[rest[1]] != nil:
      uploads[rest[1], default: []] += request.body
      return ServerResponse(status: 202, headers: [("Location", "/v2/\(name)/blobs/uploads/\(rest[1])")])
    case ("PUT", "uploads") where rest.count == 2 && uploads[rest[1]] != nil:
      let bytes = (uploads.removeValue(forKey: rest[1]) ?? []) + request.body
      let digest = ImageRegistry.digest(bytes)
      guard request.query.first(where: { $0.name == "digest" })?.value == digest else {
        return ImageRegistry.refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
      }
      blobs[digest] = bytes
      return ServerResponse(
        status: 201,
        headers: [("Location", "/v2/\(name)/blobs/\(digest)"), ("Docker-Content-Digest", digest)])
    case ("GET", let digest?), ("HEAD", let digest?):
      guard let bytes = blobs[digest] else {
        return ImageRegistry.refusal(404, "BLOB_UNKNOWN", "blob unknown")
      }
      return ServerResponse(
        status: 200,
        headers: [("Content-Type", "application/octet-stream"), ("Docker-Content-Digest", digest)],
        body: .bytes(bytes))
    default: return ImageRegistry.refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
    }
  }

  private static func digest(_ bytes: [UInt8]) -> String { "sha256:" + SHA256.digest(of: bytes).hex }

  private static func refusal(_ status: Int, _ code: String, _ message: String) -> ServerResponse {
    .json(status, ["errors": [["code": .string(code), "message": .string(message), "detail": nil]]])
  }
}
