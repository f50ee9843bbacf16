import Concurrency
import HTTP
import Model
import Railway

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Answers of Railway: each request gets the next line of the input, the first byte of which is its status.
enum RailwayTarget: FuzzTarget {
  private struct NoSource: SourcePacker {
    func pack(path: String, root: String?, include: [String], commit: String) async throws(Failure)
      -> PackedSource
    {
      throw Failure(.configuration, "nothing is packed here")
    }
  }

  static func read(_ bytes: [UInt8]) {
    let answers = Answers(bytes)
    waitFor { await look(answers) }
  }

  private static func look(_ answers: Answers) async {
    let platform = RailwayPlatform(
      baseURL: "https://railway.example", http: answers, clock: FuzzClock(), token: Sensitive("token-token"),
      secrets: SecretValues(), packer: NoSource(), random: { 0.5 })
    let service = Service(key: "api", source: .repository("shop/api"))
    let environment = Environment(
      name: "prod", app: "shop",
      platforms: Platforms(
        railway: Model.RailwayTarget(
          project: "p", environment: "e", tokenSecret: "RAILWAY_TOKEN")), services: [service])
    let target = ServiceTarget(
      service: "api", platform: .railway, name: "api",
      ids: ["service": "s", "environment": "e", "project": "p"])
    await attempt { () async throws(Failure) in _ = try await platform.observe(environment) }
    await attempt { () async throws(Failure) in _ = try await platform.deployment("d1", of: target) }
    await attempt { () async throws(Failure) in _ = try await platform.live(environment) }
    await attempt { () async throws(Failure) in _ = try await platform.logs(LogQuery(target: target)) }
    await attempt { () async throws(Failure) in
      _ = try await platform.restorableVariables(of: target, deployment: "d1")
    }
  }

  /// A refusal has words and no secret.
  private static func attempt(_ work: () async throws(Failure) -> Void) async {
    do throws(Failure) { try await work() } catch {
      require(!error.message.isEmpty, "a failure without words")
      require(!"\(error)".contains("token-token"), "the token stands in a failure")
    }
  }

  private final class Answers: HTTPTransport {
    private let lines: [[UInt8]]
    private let next = Locked(0)

    init(_ bytes: [UInt8]) {
      lines = bytes.split(separator: 10, omittingEmptySubsequences: true).map(Array.init)
    }

    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
      let index = next.withLock { next in
        next += 1
        return next - 1
      }
      guard index < 64, !lines.isEmpty else {
        throw HTTPError(code: .connectionLost, message: "no more", nothingSent: true)
      }
      let line = lines[index % lines.count]
      let statuses = [200, 200, 200, 200, 400, 401, 403, 404, 429, 500, 502, 503]
      let status = statuses[Int(line[0]) % statuses.count]
      return HTTPResponse(
        status: status, headers: [(name: "X-RateLimit-Remaining", value: "\(line[0])")],
        body: Array(line.dropFirst()))
    }

    func stream(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
      let answer = try await send(request)
      return HTTPStream(
        status: answer.status, headers: answer.headers,
        body: AsyncThrowingStream { continuation in
          continuation.yield(answer.body)
          continuation.finish()
        })
    }
  }
}

/// Does work and waits for its end on the thread that libFuzzer runs the target on.
func waitFor(_ work: @escaping @Sendable () async -> Void) {
  let done = Locked(false)
  let signal = Signal()
  Task {
    await work()
    done.withLock { $0 = true }
    signal.send()
  }
  signal.wait()
  require(done.withLock { $0 }, "the work did not end")
}

/// A semaphore.
private final class Signal: @unchecked Sendable {
  // The semaphore guards itself; it is not moved while the class lives.
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init() { sem_init(semaphore, 0, 0) }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  func send() { sem_post(semaphore) }
  func wait() { while sem_wait(semaphore) != 0 {} }
}

/// A clock that never waits.
final class FuzzClock: TimeSource {
  private let moment = Locked(Timestamp(milliseconds: 1_766_000_000_000))
  var now: Timestamp { moment.withLock { $0 } }
  func sleep(until end: Timestamp) async throws {
    moment.withLock { $0 = max($0, end) }
    try Task.checkCancellation()
  }
}
