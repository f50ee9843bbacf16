import Concurrency
import Model

/// The simulated platform: what is live, what is in flight, what is stored. It outlives every process.
struct SimulationWorld {
  enum Status {
    case building
    /// Ready, and seen by nobody until it is promoted.
    case staged
    case live, retired, failed, cancelled
  }

  struct Object {
    var id: String
    /// The step whose marker it carries.
    var step: StepID
    var service: ServiceName
    var commit: String
    /// The variables it runs with.
    var variables: String
    var isStaged = false
    /// The old one is stopped before the new one starts.
    var isStopFirst = false
    /// The old one was stopped for it, and it never came to live.
    var hasStopped = false
    var status: Status = .building
    var wasReady = false
    var wasLive = false
    /// A promotion of it was accepted and has not come to its end.
    var isPromoting = false
  }

  /// How a deployment that was building comes to its end.
  enum Ending {
    case live, fails
    /// A service that stops first is down; for others it is a failure like any.
    case failsStopped
  }

  struct Site {
    /// The commit that serves; nil before the first release, and while a service that stops first is down.
    var commit: String?
    var stored: String
    /// The variables that what serves runs with.
    var runs: String
    /// Somebody else deployed here.
    var isForeign = false
  }

  var sites: [ServiceName: Site] = [:]
  /// Nil: the plan has no database.
  var schema: SimulationSchema?
  private(set) var objects: [Object] = []
  /// A promise about what users get that was broken by what reached the platform.
  private(set) var broken: Violation?

  /// The run is on its way back, or is a rollback.
  var mayGoBack = false

  mutating func breakPromise(_ promise: Promise, _ words: String) {
    if broken == nil { broken = Violation(promise, words) }
  }

  func object(_ id: String) -> Object? { objects.first { $0.id == id } }

  /// The newest object with a step's marker.
  func object(of step: StepID) -> Object? { objects.last { $0.step == step } }

  /// Something may still go live; what is staged does not by itself.
  var isAnythingBuilding: Bool {
    objects.contains { $0.status == .building && !$0.isStaged || $0.isPromoting }
  }

  /// The services for which something may still go live.
  var underWay: [ServiceName] {
    objects.filter { $0.status == .building && !$0.isStaged || $0.isPromoting }.map(\.service)
  }

  /// A new deployment: an older one of the same service that is not live yet gives way to it.
  /// - Returns: its id; nil when the step has one already that has or may have an effect.
  mutating func trigger(
    _ step: StepID, _ service: ServiceName, commit: String, variables: String, isStaged: Bool = false,
    isStopFirst: Bool = false
  ) -> String? {
    if let known = object(of: step), [.building, .staged, .live].contains(known.status) { return nil }
    for index in objects.indices where objects[index].service == service && objects[index].status == .building
    {
      objects[index].status = .retired
    }
    if let schema {
      if commit == Make.old, schema.hasContract {
        breakPromise(.truth, "\(service) got old code back that does not survive the schema")
      }
      if commit != Make.old, !schema.isComplete {
        breakPromise(.truth, "\(service) got code without its schema: \(schema.applied) files are applied")
      }
    }
    let id = "d\(objects.count + 1)"
    objects.append(
      Object(
        id: id, step: step, service: service, commit: commit, variables: variables, isStaged: isStaged,
        isStopFirst: isStopFirst))
    return id
  }

  /// A deployment that was building goes live or fails.
  mutating func settle(_ id: String, _ ending: Ending) {
    guard let index = objects.firstIndex(where: { $0.id == id }), objects[index].status == .building else {
      return
    }
    guard ending == .live else {
      objects[index].status = .failed
      if ending == .failsStopped, objects[index].isStopFirst {
        objects[index].hasStopped = true
        sites[objects[index].service]?.commit = nil
      }
      return
    }
    objects[index].wasReady = true
    if objects[index].isStaged { objects[index].status = .staged } else { goLive(index) }
  }

  private mutating func goLive(_ index: Int) {
    let service = objects[index].service
    if objects[index].commit == Make.old, !mayGoBack {
      breakPromise(.neverBack, "\(service) went back though no way back had begun")
    }
    for other in objects.indices where objects[other].service == service && objects[other].status == .live {
      objects[other].status = .retired
    }
    objects[index].status = .live
    objects[index].wasLive = true
    sites[service]?.commit = objects[index].commit
    sites[service]?.runs = objects[index].variables
    sites[service]?.isForeign = false
  }

  /// A promotion is accepted; it takes its effect later, all at once.
  /// - Parameter first: services that must serve their new commit before.
  mutating func accept(_ promotion: Promotion, of id: String, first: [ServiceName]) {
    guard let index = objects.firstIndex(where: { $0.id == id }), objects[index].status == .staged else {
      return
    }
    objects[index].isPromoting = true
    if objects[index].commit != promotion.commit {
      breakPromise(.truth, "\(id) was promoted though its dark proof did not hold")
    }
    for service in first {
      guard let site = sites[service], !site.isForeign, site.commit != promotion.commit else { continue }
      breakPromise(.truth, "\(id) was promoted while \(service) ran \(site.commit ?? "nothing")")
    }
  }

  /// A promotion comes to its end.
  mutating func promote(_ id: String, fails: Bool) {
    guard let index = objects.firstIndex(where: { $0.id == id }), objects[index].isPromoting else { return }
    objects[index].isPromoting = false
    if !fails, objects[index].status == .staged { goLive(index) }
  }

  /// A promotion of one of the service's objects is under way.
  func isPromoting(_ service: ServiceName) -> Bool {
    objects.contains { $0.service == service && $0.isPromoting }
  }

  mutating func cancel(_ id: String) {
    guard let index = objects.firstIndex(where: { $0.id == id }), objects[index].status == .building else {
      return
    }
    objects[index].status = .cancelled
  }

  /// Somebody else's deployment goes live.
  mutating func intrude(_ service: ServiceName) {
    for index in objects.indices where objects[index].service == service {
      objects[index].isPromoting = false
      if objects[index].status == .live || objects[index].status == .building {
        objects[index].status = .retired
      }
    }
    sites[service]?.commit = "foreign"
    sites[service]?.isForeign = true
  }

  /// Whether the effect of a step that is said to be done took place at some time.
  func tookPlace(_ step: Step) -> Bool {
    switch step.action {
    case .deploy, .restore:
      objects.contains { $0.step == step.id && ($0.wasLive || $0.isStaged && $0.wasReady) }
    case .promote(let promotion): objects.contains { $0.step == promotion.deploymentStep && $0.wasLive }
    case .variables(let write): sites[write.target.service]?.stored == SimulationWorld.text(write)
    case .migrate: schema?.isComplete ?? true
    case .scripts: schema?.index ?? .valid == .valid
    case .backup: schema?.copies.isEmpty == false
    default: true
    }
  }

  /// What a write of variables stores.
  static func text(_ write: VariablesWrite) -> String {
    if case .text(let text)? = write.set["LEVEL"] { text } else { "" }
  }
}
