package import Concurrency
package import HTTPServer

/// What the state machine asks of the runtime.
package enum Effect: Sendable {
  /// Build the image from the source; answers ``RuntimeEvent/built(_:)``.
  case build(Job)
  /// Run the pre-deploy command; answers ``RuntimeEvent/preDeployed(_:)``.
  case preDeploy(Job)
  /// Start the process; answers ``RuntimeEvent/started`` and in the end ``RuntimeEvent/exited(_:)``.
  case start(Job)
  /// Ask the health path until it answers 200; answers ``RuntimeEvent/healthy``.
  case probe(deployment: String, path: String)
  case stopProbing(deployment: String)
  /// Wait until anything at all is answered there; answers ``RuntimeEvent/healthy``.
  case awaitAnswer(deployment: String)
  /// Give new connections to this deployment, or to none.
  case route(InstanceKey, deployment: String?)
  case terminate(deployment: String)
  case kill(deployment: String)
}

/// All that is needed to build or run a deployment.
package struct Job: Sendable {
  package var deployment: String
  package var key: InstanceKey
  package var source: Deployment.Source
  package var image: String
  package var settings: InstanceSettings
  package var variables: [String: String]
  /// The volume's id, when the process may see one.
  package var volume: String?
}

/// What the runtime reports about a deployment.
package enum RuntimeEvent: Sendable {
  /// The build ended: nil when well, else why not.
  case built(String?)
  case preDeployed(String?)
  case started
  case healthy
  /// The process ended with this code; a signal counts as 128 plus its number.
  case exited(Int32)
  case buildOutput(String, isError: Bool)
  case output(String, isError: Bool)
}

/// An event with its deployment and its moment.
package struct TimedEvent: Sendable {
  package var time: Timestamp
  package var deployment: String
  package var event: RuntimeEvent

  package init(time: Timestamp, deployment: String, event: RuntimeEvent) {
    self.time = time
    self.deployment = deployment
    self.event = event
  }
}

/// What runs the services of the twin: real processes, or scripted ones in memory.
///
/// The calls come from one actor, one at a time, and return at once; what happens is fetched as events.
package protocol ServiceRuntime: Sendable {
  /// Whether public addresses are reached over loopback sockets.
  var usesSockets: Bool { get }

  /// Host and port under which an instance will be reached, the same for its whole life.
  func address(of key: InstanceKey) throws -> String

  /// Keeps an uploaded archive.
  /// - Throws: `ArchiveRefused` when it is no gzip-compressed tar archive.
  func keep(archive: [UInt8], as id: String) async throws

  /// Passes a request on to what runs for a deployment.
  /// - Returns: nil when nothing that answers requests was started for it.
  func forward(_ request: ServerRequest, to deployment: String) async -> ServerResponse?

  /// Begins to do what the state machine asked for.
  func perform(_ effect: Effect, at now: Timestamp)

  /// What the running services answered, in Prometheus' text format; empty where no socket is.
  var exposition: String { get }

  /// The moment of the earliest event not fetched yet.
  var nextEvent: Timestamp? { get }

  /// Takes the earliest event, if its moment is not after `now`.
  func takeEvent(until now: Timestamp) -> TimedEvent?

  /// Ends every process and removes what was written. Nothing is performed afterwards.
  func stop() async
}

extension ServiceRuntime {
  package var exposition: String { "" }
}

/// Why an upload is not an archive.
package struct ArchiveRefused: Error, Sendable {
  package var message: String

  package init(message: String) { self.message = message }
}
