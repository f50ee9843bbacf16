import Concurrency
import HTTP
import Model

/// Judges whether a connection opened. Pure.
struct ConnectionJudge: Sendable, Hashable {
  let within: Duration?

  var wanted: String { "a connection\(within.map { " within \($0.inWords)" } ?? "")" }

  func judge(_ error: HTTPError?, took: Duration) -> CheckAnswer {
    if let error {
      var sight = Sight(error, wanted: wanted)
      if error.code == .timeout { sight.saw = "got no connection in time" }
      return .fails(sight)
    }
    if let within, took > within {
      return .fails(
        Sight("took too long", wanted: wanted, detail: "the last connection took \(took.inWords)", .steady))
    }
    return .holds("open after \(took.inWords)")
  }
}

/// Judges a certificate that TLS has accepted: it is trusted, names the host and is valid now. Pure.
struct CertificateJudge: Sendable, Hashable {
  let days: Int

  var wanted: String { "a certificate for \(days) more days" }

  func judge(_ certificate: Certificate?, now: Timestamp) -> CheckAnswer {
    guard let certificate else {
      return .fails(Sight("found a certificate that does not say when it ends", wanted: wanted, .steady))
    }
    let left = certificate.daysLeft(at: now)
    let until = certificate.ends.iso8601.prefix(10)
    guard left >= days else {
      return .fails(
        Sight(
          "found a certificate for \(left) more day\(left == 1 ? "" : "s")", wanted: wanted,
          detail:
            "it ends at \(certificate.ends.iso8601), \(certificate.subject), issued by \(certificate.issuer)",
          .steady))
    }
    return .holds("valid for \(left) more days, until \(until)")
  }
}

extension HealthProber {
  /// One look: connects, and that is all.
  /// - Throws: `CancellationError`.
  func look(_ endpoint: CheckAddress.Endpoint, _ judge: ConnectionJudge, timeout: Duration) async throws
    -> CheckAnswer
  {
    let began = ContinuousClock.now
    let options = Connection.Options(
      configuration: connections, timeout: min(timeout, judge.within ?? timeout), isDirect: true)
    do {
      _ = try await Connection.open("http://\(endpoint)", options)
      return judge.judge(nil, took: ContinuousClock.now - began)
    } catch {
      if error.code == .cancelled || Task.isCancelled { throw CancellationError() }
      return judge.judge(error, took: ContinuousClock.now - began)
    }
  }

  /// One look: shakes hands with TLS and reads the certificate.
  /// - Throws: `CancellationError`.
  func look(_ endpoint: CheckAddress.Endpoint, _ judge: CertificateJudge, timeout: Duration) async throws
    -> CheckAnswer
  {
    let options = Connection.Options(
      configuration: connections, timeout: timeout, keepsCertificate: true)
    do {
      let connection = try await Connection.open("https://\(endpoint)", options)
      return judge.judge(connection.certificate, now: clock.now)
    } catch {
      if error.code == .cancelled || Task.isCancelled { throw CancellationError() }
      return .fails(Sight(error, wanted: judge.wanted))
    }
  }
}
