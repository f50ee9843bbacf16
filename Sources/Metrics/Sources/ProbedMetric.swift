import Analysis
package import Concurrency
package import HTTP
package import Model

/// shipit's own probes: so many requests to one address, and what share was answered well, or how slowly.
///
/// They see the service as a user far away does, and need no store. What they do not see is who has the feature:
/// a header may say so.
package struct ProbedMetric: MetricSource {
  package enum Measure: Sendable, Hashable {
    /// Percent of the requests that were answered with 200 to 399.
    case success
    /// Seconds within which 95 of 100 requests were answered; one that failed took as long as it may.
    case p95
  }

  private let url: String
  private let measure: Measure
  private let samples: Int
  private let atOnce: Int
  private let limit: Duration
  private let headers: [(name: String, value: Sensitive)]
  private let http: any HTTPTransport
  private let clock: any TimeSource

  /// With fewer the 95th of a hundred is simply the slowest.
  package static let leastSamples = 20

  /// - Parameters:
  ///   - samples: requests per reading, 20 to 1000.
  ///   - atOnce: how many of them run beside each other.
  ///   - limit: after which a request has failed.
  /// - Throws: `Failure` of kind `.configuration`.
  package init(
    url: String, measure: Measure, samples: Int = 50, atOnce: Int = 4, limit: Duration = .seconds(5),
    headers: [(name: String, value: Sensitive)] = [], http: any HTTPTransport, clock: any TimeSource
  ) throws(Failure) {
    guard Self.leastSamples...1000 ~= samples, 1...32 ~= atOnce else {
      throw Failure(
        .configuration, "\(samples) probes a reading, \(atOnce) at once, cannot be", place: "metrics",
        hint: "20 to 1000 probes, at most 32 at once: fewer say nothing, more are a load of their own")
    }
    self.url = url
    self.measure = measure
    self.samples = samples
    self.atOnce = atOnce
    self.limit = limit
    self.headers = headers
    self.http = http
    self.clock = clock
  }

  package var name: String { "probes of \(url)" }

  private enum Sight: Sendable {
    case good(Duration)
    case bad
    /// This machine could not even look: that says nothing of the service.
    case blind(String)
    case cancelled
  }

  package func read(at moment: Timestamp) async throws(CancellationError) -> MetricReading {
    let sights = await sights()
    guard !Task.isCancelled, !sights.contains(where: { if case .cancelled = $0 { true } else { false } })
    else {
      throw CancellationError()
    }
    let blind = sights.compactMap { if case .blind(let words) = $0 { words } else { nil } }
    if blind.count == sights.count {
      return MetricReading(
        StoreAnswer(
          .error(reason: "provider"),
          failure: Failure(
            .failed, "\(name) could not be sent", place: "metrics", cause: blind.first,
            hint: "check this machine's network and the address")))
    }
    let times = sights.map { if case .good(let took) = $0 { took } else { limit } }.sorted()
    let good = sights.count { if case .good = $0 { true } else { false } }
    let value =
      switch measure {
      case .success: 100 * Double(good) / Double(sights.count)
      // By nearest rank: of 20 the 19th.
      case .p95: times[(times.count * 95 + 99) / 100 - 1].inSeconds
      }
    return MetricReading(StoreAnswer(.value(value)), samples: Double(sights.count))
  }

  private func sights() async -> [Sight] {
    await withTaskGroup(of: Sight.self) { group in
      var (sights, left): ([Sight], Int) = ([], samples)
      for _ in 0..<min(atOnce, samples) {
        left -= 1
        group.addTask { await probe() }
      }
      for await sight in group {
        sights.append(sight)
        guard left > 0, !Task.isCancelled else { continue }
        left -= 1
        group.addTask { await probe() }
      }
      return sights
    }
  }

  private func probe() async -> Sight {
    let began = clock.now
    do throws(HTTPError) {
      // What a user's first request takes: name, connection and handshake included.
      let response = try await http.send(
        HTTPRequest(
          url: url, headers: headers.map { ($0.name, $0.value.reveal()) }, timeout: limit, bodyLimit: 1 << 20,
          freshConnection: true))
      return (200..<400).contains(response.status) ? .good(clock.now - began) : .bad
    } catch {
      switch error.code {
      case .cancelled: return .cancelled
      case .badURL, .nameNotFound: return .blind(error.message)
      case .refused, .tls, .timeout, .connectionLost, .bodyTooLarge, .other: return .bad
      }
    }
  }
}
