package import Concurrency
import Crypto

/// Signs requests to AWS, version 4 of its signatures: a pure function of request, credentials and time (contract
/// secrets §2.4). Ours because the curl of Debian 12 signs some addresses wrongly.
package struct Signature: Sendable {
  /// What a request says and is signed.
  package struct Request: Sendable {
    package var method: String
    /// As it is sent: percent-encoded, from the first slash to the question mark. Empty means `/`.
    package var path: String
    /// As it is sent, without the question mark.
    package var query: String
    /// `host` is among them.
    package var headers: [(name: String, value: String)]

    package init(
      method: String, path: String, query: String = "", headers: [(name: String, value: String)]
    ) {
      self.method = method
      self.path = path
      self.query = query
      self.headers = headers
    }
  }

  package let region: String
  /// `secretsmanager`, `s3`, `sts`.
  package let service: String
  /// S3 alone signs the path as it is sent; all others encode it once more, after `.` and `..` are gone.
  private var isS3: Bool { service == "s3" }

  package init(region: String, service: String) {
    self.region = region
    self.service = service
  }

  /// SHA-256 of no bytes.
  package static let emptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  /// Stands in place of the payload's digest where the body is not known yet; S3 over TLS alone.
  package static let unsignedPayload = "UNSIGNED-PAYLOAD"

  /// SHA-256 of a body, in hex.
  package static func payload(of body: [UInt8]) -> String { SHA256.digest(of: body).hex }

  /// The header fields to add to a request: its date, the token of temporary credentials, for S3 the payload's
  /// digest, and the signature. Those the request has already are signed with it.
  /// - Parameter payload: SHA-256 of the body in hex, or `unsignedPayload`.
  package func headers(
    for request: Request, payload: String, by credentials: Credentials, at moment: Timestamp
  ) -> [(name: String, value: String)] {
    var added: [(name: String, value: String)] = [("x-amz-date", Signature.stamp(moment))]
    if let token = credentials.sessionToken { added.append(("x-amz-security-token", token)) }
    if isS3 { added.append(("x-amz-content-sha256", payload)) }
    var signed = request
    signed.headers += added
    let names = Signature.canonicalHeaders(signed.headers).map(\.name).joined(separator: ";")
    let scope = "\(Signature.day(moment))/\(region)/\(service)/aws4_request"
    let text = textToSign(canonicalRequest(signed, payload: payload), moment)
    let code = HMACSHA256.code(for: text, key: key(credentials, moment)).hex
    added.append(
      (
        "authorization",
        "AWS4-HMAC-SHA256 Credential=\(credentials.keyID)/\(scope), SignedHeaders=\(names), Signature=\(code)"
      ))
    return added
  }

  /// The request in the one form that both sides digest.
  package func canonicalRequest(_ request: Request, payload: String) -> String {
    let headers = Signature.canonicalHeaders(request.headers)
    return [
      request.method, canonicalPath(request.path), Signature.canonicalQuery(request.query),
      headers.map { "\($0.name):\($0.value)\n" }.joined(), headers.map(\.name).joined(separator: ";"),
      payload,
    ].joined(separator: "\n")
  }

  package func textToSign(_ canonicalRequest: String, _ moment: Timestamp) -> String {
    [
      "AWS4-HMAC-SHA256", Signature.stamp(moment),
      "\(Signature.day(moment))/\(region)/\(service)/aws4_request",
      SHA256.digest(of: canonicalRequest).hex,
    ].joined(separator: "\n")
  }

  private func key(_ credentials: Credentials, _ moment: Timestamp) -> [UInt8] {
    var key = Array("AWS4\(credentials.secret)".utf8)
    for part in [Signature.day(moment), region, service, "aws4_request"] {
      key = HMACSHA256.code(for: part, key: key).bytes
    }
    return key
  }

  // MARK: Canonical parts

  private func canonicalPath(_ path: String) -> String {
    let path = path.isEmpty ? "/" : path
    guard !isS3 else { return path }
    var parts: [Substring] = []
    for part in path.split(separator: "/") {
      switch part {
      case ".": continue
      case "..": _ = parts.popLast()
      default: parts.append(part)
      }
    }
    let isFolder = path.hasSuffix("/") || path.hasSuffix("/.") || path.hasSuffix("/..")
    let whole = "/" + parts.joined(separator: "/") + (isFolder && !parts.isEmpty ? "/" : "")
    return Signature.encode(whole, sparing: "/")
  }

  /// Pairs sorted by name, then by value, each as it is encoded.
  private static func canonicalQuery(_ query: String) -> String {
    let pairs = query.split(separator: "&").map { pair -> (String, String) in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (normal(parts[0]), parts.count > 1 ? normal(parts[1]) : "")
    }
    // Encoded they are ASCII alone, which Swift orders by its codes.
    return pairs.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
  }

  private static func canonicalHeaders(
    _ headers: [(name: String, value: String)]
  ) -> [(name: String, value: String)] {
    var values: [String: [String]] = [:]
    for header in headers { values[header.name.lowercased(), default: []].append(folded(header.value)) }
    return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value.joined(separator: ",")) }
  }

  /// Without white space at the ends, and with one blank where there are several.
  private static func folded(_ value: String) -> String {
    value.split(whereSeparator: { $0 == " " || $0 == "\t" || $0.isNewline }).joined(separator: " ")
  }

  /// Encoded exactly once, whatever was encoded before.
  private static func normal(_ text: Substring) -> String { encode(decoded(text), sparing: "") }

  private static func decoded(_ text: Substring) -> [UInt8] {
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
        let byte = Hex.decode(String(decoding: bytes[index + 1...index + 2], as: UTF8.self))?.first
      {
        result.append(byte)
        index += 3
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return result
  }

  /// RFC 3986: letters, digits and `-._~` stay.
  package static func encode(_ text: String, sparing: String = "") -> String {
    encode(Array(text.utf8), sparing: sparing)
  }

  private static func encode(_ bytes: [UInt8], sparing: String) -> String {
    let spared = Set(sparing.utf8)
    var result = ""
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      case _ where spared.contains(byte): result.unicodeScalars.append(Unicode.Scalar(byte))
      default: result += "%" + Hex.encode([byte]).uppercased()
      }
    }
    return result
  }

  /// `20260102T030405Z`
  package static func stamp(_ moment: Timestamp) -> String {
    // As ISO 8601 writes it, without its signs and its fraction.
    let text = moment.iso8601.filter { $0 != "-" && $0 != ":" }
    return "\(text.prefix(15))Z"
  }

  private static func day(_ moment: Timestamp) -> String { String(stamp(moment).prefix(8)) }
}
