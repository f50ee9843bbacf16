import Concurrency
import HTTP
import Model

/// Requests to a service that keeps secrets, with one budget for all attempts: asked again only where that can help:
/// after a broken connection, a 429, a 5xx (contract secrets §1.11).
struct SecretService: Sendable {
  let transport: any HTTPTransport
  let clock: any TimeSource
  /// The source, for messages.
  let description: String
  private let budget: Duration

  init(_ access: SecretAccess, authorities: String? = nil, description: String) {
    transport = access.http(authorities.map(access.path))
    clock = access.clock
    self.description = description
    budget = access.patience ?? .seconds(30)
  }

  private static let attempts = 4

  /// - Parameters:
  ///   - make: the request, made anew for each attempt: a signature has its time.
  ///   - isTransient: whether an answer may be another one a moment later.
  /// - Throws: `timeout`, `failed`, `cancelled`; any answer that stays is returned.
  func send(
    isTransient: (HTTPResponse) -> Bool = { $0.status == 429 || $0.status >= 500 },
    _ make: () -> HTTPRequest
  ) async throws(Failure) -> HTTPResponse {
    let end = clock.now + budget
    var attempt = 1
    while true {
      var request = make()
      request.timeout = max(.milliseconds(1), end - clock.now)
      var pause = Duration.milliseconds(200 << attempt) * Double.random(in: 0.5...1)
      do throws(HTTPError) {
        let response = try await transport.send(request)
        if (300..<400).contains(response.status) {
          throw HTTPError(
            code: .other, message: "it answers \(response.status), as if it were elsewhere",
            nothingSent: false)
        }
        guard isTransient(response), attempt < SecretService.attempts else { return response }
        if let seconds = response.header("retry-after").flatMap(Int.init) {
          pause = max(pause, .seconds(min(seconds, 60)))
        }
        guard clock.now + pause < end else { return response }
      } catch {
        guard [.connectionLost, .timeout, .refused, .nameNotFound].contains(error.code),
          attempt < SecretService.attempts, clock.now + pause < end
        else { throw failure(error) }
      }
      do { try await clock.sleep(for: pause) } catch {
        throw Failure(.cancelled, "\(description) was not asked to the end: shipit was interrupted")
      }
      attempt += 1
    }
  }

  private func failure(_ error: HTTPError) -> Failure {
    switch error.code {
    case .cancelled:
      Failure(.cancelled, "\(description) was not asked to the end: shipit was interrupted")
    case .timeout:
      Failure(.timeout, "\(description) did not answer in time", cause: error.message)
    case .tls:
      Failure(
        .failed, "\(description) cannot be reached safely", cause: error.message,
        hint: "where its certificate is of an authority of your own, name that one's PEM file")
    case .badURL: Failure(.configuration, "\(description) has no address", cause: error.message)
    default:
      Failure(
        .failed, "\(description) cannot be reached", cause: error.message,
        hint: "see whether it is up and can be reached from here: curl -sSv, with the address of the file")
    }
  }
}
