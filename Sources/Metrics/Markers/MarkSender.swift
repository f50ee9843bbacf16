import HTTP
import JSON
import Model

/// Sends JSON to a place where marks are left, and says what is the matter when it is not taken.
struct MarkSender: Sendable {
  /// As `RolloutMarker.name`.
  let name: String
  /// What stands before each path, without a slash at the end.
  let base: String
  let token: Sensitive
  let http: any HTTPTransport
  let version: String

  /// - Returns: the answer, which is of 2xx.
  func send(_ method: String, _ path: String, _ body: JSON? = nil) async throws(Failure) -> JSON {
    var request = HTTPRequest(
      method: method, url: base + path,
      headers: [
        ("Authorization", "Bearer \(token.reveal())"), ("Accept", "application/json"),
        ("User-Agent", "shipit/\(version)"),
      ], timeout: MarkerGroup.patience, bodyLimit: 4 << 20)
    if let body {
      request.headers.append(("Content-Type", "application/json"))
      request.body = .bytes(Array(body.serialized().utf8))
    }
    let response: HTTPResponse
    do throws(HTTPError) { response = try await http.send(request) } catch {
      throw Failure(
        error.code == .cancelled ? .cancelled : .failed, "\(name) cannot be reached", place: name,
        cause: error.message)
    }
    let answer = try? JSON(parsing: response.body)
    guard (200..<300).contains(response.status), let answer else {
      let isRight = [401, 403].contains(response.status)
      let words = [answer?["message"]?.string, answer?["detail"]?.string].compactMap(\.self).first
      throw Failure(
        isRight ? .authentication : .failed, "\(name) refused the mark with status \(response.status)",
        place: name, cause: words.map { String($0.prefix(300)) },
        hint: isRight ? "check the token and its rights" : nil)
    }
    return answer
  }

  static func encoded(_ text: String) -> String {
    text.utf8.map { byte in
      let scalar = Unicode.Scalar(byte)
      let isPlain = byte < 128 && (Character(scalar).isLetter || Character(scalar).isNumber)
      return isPlain || "-._~".utf8.contains(byte)
        ? String(Character(scalar)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16).uppercased()
    }.joined()
  }

  static func host(of url: String) -> String {
    let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
    return String(rest.prefix { $0 != "/" })
  }
}
