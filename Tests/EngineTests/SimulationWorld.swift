import Concurrency
import Model

/// The simulated platform: what is live, what is in flight, what is stored. It outlives every process.
struct SimulationWorld {
  enum Status { case building, live, retired, failed, cancelled }

  struct Object {
    var id: String
    /// The step whose marker it carries.
    var step: StepID
    var service: ServiceName
    var commit: String
    var status: Status = .building
    var wasLive = false
  }

  struct Site {
    /// The commit that serves; nil before the first release.
    var commit: String?
    var stored: String
    /// Somebody else deployed here.
    var isForeign = false
  }

  var sites: [ServiceName: Site] = [:]
  private(set) var objects: [Object] = []

  func object(_ id: String) -> Object? { objects.first { $0.id == id } }

  /// The newest object with a step's marker.
  func object(of step: StepID) -> Object? { objects.last { $0.step == step } }

  var isAnythingBuilding: Bool { objects.contains { $0.status == .building } }

  /// A new deployment: an older one of the same service that is not live yet gives way to it.
  /// - Returns: its id; nil when the step has one already that has or may have an effect.
  mutating func trigger(_ step: StepID, _ service: ServiceName, commit: String) -> String? {
    if let known = object(of: step), known.status == .building || known.status == .live { return nil }
    for index in objects.indices where objects[index].service == service && objects[index].status == .building
    {
      objects[index].status = .retired
    }
    let id = "d\(objects.count + 1)"
    objects.append(Object(id: id, step: step, service: service, commit: commit))
    return id
  }

  /// A deployment that was building goes live or fails.
  mutating func settle(_ id: String, fails: Bool) {
    guard let index = objects.firstIndex(where: { $0.id == id }), objects[index].status == .building else {
      return
    }
    guard !fails else {
      objects[index].status = .failed
      return
    }
    let service = objects[index].service
    for other in objects.indices where objects[other].service == service && objects[other].status == .live {
      objects[other].status = .retired
    }
    objects[index].status = .live
    objects[index].wasLive = true
    sites[service]?.commit = objects[index].commit
    sites[service]?.isForeign = false
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
    case .deploy, .restore: objects.contains { $0.step == step.id && $0.wasLive }
    case .variables(let write): sites[write.target.service]?.stored == SimulationWorld.text(write)
    default: true
    }
  }

  /// What a write of variables stores.
  static func text(_ write: VariablesWrite) -> String {
    if case .text(let text)? = write.set["LEVEL"] { text } else { "" }
  }
}
