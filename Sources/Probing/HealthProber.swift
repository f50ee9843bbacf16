package import Concurrency
package import HTTP
package import Model
package import Names

/// Asks what is deployed whether it answers, and which revision does: proofs, soaks and the checks
/// that look from outside.
package struct HealthProber: StepPerformer {
  /// A deployment as its platform reports it now; nil when the platform does not know it.
  package typealias PlatformState = @Sendable (ServiceTarget, String) async throws -> Deployment?

  /// The deployment that a host name leads to, by its platform; nil when the platform cannot tell.
  package typealias Serving = @Sendable (ServiceTarget, String) async throws -> String?
  /// Headers that let shipit ask a deployment which the public is kept from.
  package typealias Access = @Sendable (ServiceTarget) async throws -> [(name: String, value: Sensitive)]

  let http: any HTTPTransport
  let clock: any TimeSource
  let platformState: PlatformState
  let serving: Serving
  let access: Access
  /// How connections other than those of `http` are made.
  let connections: HTTPClient.Configuration
  let names: any NameLookup

  package init(
    http: any HTTPTransport, clock: any TimeSource, platformState: @escaping PlatformState,
    serving: @escaping Serving = { _, _ in nil }, access: @escaping Access = { _ in [] },
    connections: HTTPClient.Configuration = .init(), names: any NameLookup = SystemNames()
  ) {
    self.http = http
    self.clock = clock
    self.platformState = platformState
    self.serving = serving
    self.access = access
    self.connections = connections
    self.names = names
  }

  package func perform(_ step: Step, _ call: StepCall) async -> Outcome {
    switch step.action {
    case .prove(let request): return await prove(request, call)
    case .soak(let request): return await soak(request, call)
    case .check(let check, let addresses):
      return await self.check(check, addresses, call)
    default: break
    }
    return .failed(
      Failure(.internalError, "the step \(step.id) asks nothing from outside", place: step.id.rawValue),
      moved: false)
  }

  /// Asking leaves nothing behind: it is done again.
  package func probe(_ step: Step, _ call: StepCall) async -> Finding { .absent }

  package func abandon(_ step: Step, _ call: StepCall) async -> Abandonment { .cancelled }
}

/// The wait between looks: 100 ms × 1.1 up to 2 s.
struct LookPace: Sendable, Hashable {
  private var milliseconds = 100.0

  init() {}

  mutating func restart() { milliseconds = 100 }

  mutating func next() -> Duration {
    defer { milliseconds = min(2000, milliseconds * 1.1) }
    return .milliseconds(Int64(milliseconds))
  }
}
