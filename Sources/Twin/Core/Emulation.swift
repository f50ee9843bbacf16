package import Concurrency
package import HTTPServer
package import JSON

/// One emulated platform: an API, what answers users behind it, and a part of the control surface.
///
/// No timer runs inside. Whatever is due by its clock is made to happen when somebody asks, in the order of
/// its moments; a server with real processes also calls ``settle()`` in a loop.
package protocol Emulation: Sendable {
  /// The word that names it in seeds, in control paths and in recordings, such as `vercel`.
  var name: String { get }
  /// The variable that points shipit at it, such as `SHIPIT_VERCEL_URL`.
  var endpointVariable: String { get }

  /// Answers a request to the platform's API.
  /// - Parameter patience: how long the caller waits; a longer wait ends as a cut marked `timeout`.
  func answer(_ request: ServerRequest, patience: Duration?) async -> ServerResponse

  /// What a public address of the emulated services answers, for callers without sockets.
  /// - Parameter host: host and port as the API tells them.
  /// - Returns: nil when nobody listens there.
  func answer(_ request: ServerRequest, at host: String, patience: Duration?) async -> ServerResponse?

  /// Answers a request of the control surface; the path is what follows `/_twin/NAME`, such as `/state`.
  func control(_ request: ServerRequest) async -> ServerResponse

  /// Lets everything happen that is due by now.
  func settle() async

  /// The moment of the next change that time alone brings; nil when nothing is under way.
  var nextDue: Timestamp? { get async }

  /// What the control surface and its page show: arrays of flat objects become tables. No secret is in it.
  var overview: JSON { get async }

  /// Ends what it started: processes, sockets, files. Nothing is asked of it afterwards.
  func stop() async
}

/// What an emulation is started with.
package struct EmulationSetup: Sendable {
  /// Its section of the seed.
  package var seed: JSON
  package var clock: any TimeSource
  /// How much faster than the platform its own steps are.
  package var speed: Double
  package var recording: Recording?
  /// To be called when something happened outside, so that ``Emulation/settle()`` is called soon.
  package var kick: @Sendable () -> Void

  package init(
    seed: JSON, clock: any TimeSource, speed: Double = 1, recording: Recording? = nil,
    kick: @escaping @Sendable () -> Void = {}
  ) {
    self.seed = seed
    self.clock = clock
    self.speed = speed
    self.recording = recording
    self.kick = kick
  }
}

/// An emulation that the server can start with real sockets and processes.
struct EmulationKind: Sendable {
  /// Its section of the seed; the platform is started when the seed has one.
  var name: String
  var start: @Sendable (EmulationSetup) async throws -> any Emulation

  /// Every platform beside Railway, which a twin always has.
  static let all: [EmulationKind] = [
    EmulationKind(name: "vercel") { try await VercelTwin.start($0) },
    EmulationKind(name: "encore") { try await EncoreTwin.start($0) },
    EmulationKind(name: "notifications") { try await NotificationTwin($0) },
    EmulationKind(name: "github") { try GitHubTwin($0) },
    EmulationKind(name: "launchdarkly") { try LaunchDarklyTwin($0) },
    EmulationKind(name: "markers") { try MarkerTwin($0) },
  ]
}
