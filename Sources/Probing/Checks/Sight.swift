import Concurrency
import HTTP
import Model

/// What one look of a check showed.
enum CheckAnswer: Sendable, Hashable {
  /// All that is expected holds; the words say what was seen.
  case holds(String)
  case fails(Sight)
}

/// Something else than what a check expects.
struct Sight: Sendable, Hashable {
  /// Whether asking again may help.
  enum Hope: Sendable, Hashable {
    /// A cold start, a fresh alias, a name or a certificate on its way: asked again until the budget ends.
    case passing
    /// Seen a few times in a row it stays so.
    case steady
    /// Never: the question itself is wrong.
    case none
  }

  /// After the check's name: "answered 503". Equal words are counted together.
  var saw: String
  /// What was expected: "a status of 200 to 299".
  var wanted: String
  /// More about this one time, such as the first line of the answer.
  var detail: String?
  var hope: Hope
  /// Not to be asked again before this time is over.
  var after: Duration?

  init(_ saw: String, wanted: String, detail: String? = nil, _ hope: Hope, after: Duration? = nil) {
    self.saw = saw
    self.wanted = wanted
    self.detail = detail.flatMap { $0.isEmpty ? nil : $0 }
    self.hope = hope
    self.after = after
  }
}

extension Sight {
  /// No answer, or none that could be read.
  /// - Parameter whole: what was expected.
  init(_ error: HTTPError, wanted: String) {
    let (saw, hope): (String, Hope) =
      switch error.code {
      case .badURL: ("has an address that cannot be asked", .none)
      case .nameNotFound: ("found no such name", .passing)
      case .refused: ("got no connection", .passing)
      case .tls: Sight.tls(error.message)
      case .timeout: ("got no answer in time", .passing)
      case .connectionLost: ("lost the connection", .passing)
      case .bodyTooLarge: ("got too long an answer", .steady)
      case .cancelled, .other: ("got no answer", .passing)
      }
    self.init(saw, wanted: wanted, detail: error.message, hope)
  }

  /// A platform's certificate for a fresh domain takes a while; one that has run out does not come back.
  static func tls(_ words: String) -> (String, Hope) {
    words.contains("expired")
      ? ("found a certificate that has expired", .steady) : ("found no certificate it can trust", .passing)
  }

  /// A status other than the expected one.
  init(_ response: HTTPResponse, wanted: String) {
    let after = response.header("Retry-After").flatMap { Int($0) }.map {
      Duration.seconds(min(max($0, 0), 30))
    }
    self.init(
      "answered \(response.status)", wanted: wanted, detail: Sight.began(response),
      Sight.passing.contains(response.status) ? .passing : .steady, after: after)
  }

  /// Statuses that a start, a fresh alias or a proxy on the way to its new origin gives for a while.
  static let passing: Set<Int> = Set([404, 408, 425, 429, 502, 503, 504, 530] + (520...527))

  /// The answer's first words; nil without any.
  static func began(_ response: HTTPResponse) -> String? {
    let snippet = ServedIdentity.snippet(response)
    return snippet.isEmpty ? nil : "the answer began: \(snippet)"
  }
}

extension Duration {
  /// `45 ms`, `1.2 s`, `60 s`.
  var inWords: String {
    let milliseconds = wholeMilliseconds
    if milliseconds < 1000 { return "\(milliseconds) ms" }
    let tenths = (milliseconds + 50) / 100
    return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
  }
}
