package import JSON

/// A line of a fault script: a fault of requests, or a behaviour of deployments.
///
/// ```json
/// {"operation": "ShipitDeploy", "service": "api", "nth": 2, "count": 1, "fault": "cut"}
/// {"deployment": "gate-never-passes", "service": "api", "trigger": "rollback"}
/// ```
/// `count` may be `"always"`.
package enum FaultScript: Sendable {
  case request(FaultRule)
  case deployment(BehaviourRule)

  /// - Throws: `Refusal` saying which word is unknown.
  package init(_ script: JSON) throws(Refusal) {
    let service = script["service"]?.string
    let nth = Int(script["nth"]?.int ?? 1)
    let count: Int? = script["count"]?.string == "always" ? nil : Int(script["count"]?.int ?? 1)
    if let rule = try FaultRule(script) {
      self = .request(rule)
    } else if let name = script["deployment"]?.string {
      guard let behaviour = DeploymentBehaviour(name: name, script: script) else {
        throw Refusal(
          "unknown behaviour \(name); known: \(DeploymentBehaviour.names.joined(separator: ", "))")
      }
      let trigger = try script["trigger"]?.string.map { name throws(Refusal) in
        guard let trigger = Deployment.Trigger(rawValue: name) else {
          throw Refusal("unknown trigger \(name)")
        }
        return trigger
      }
      self = .deployment(
        BehaviourRule(behaviour, service: service, trigger: trigger, nth: nth, count: count))
    } else {
      throw Refusal("a fault needs the key \"fault\" or \"deployment\"")
    }
  }
}

extension FaultRule {
  /// Reads `{"fault": NAME, "operation": …, "service": …, "nth": 1, "count": 1}`; nil when the script has no
  /// `fault`.
  /// - Parameter subject: the key that names what a request is about, such as `project`.
  /// - Throws: `Refusal` when the fault is unknown.
  package init?(_ script: JSON, subject: String = "service") throws(Refusal) {
    guard let name = script["fault"]?.string else { return nil }
    guard let fault = RequestFault(name: name, script: script) else {
      throw Refusal("unknown fault \(name); known: \(RequestFault.names.joined(separator: ", "))")
    }
    self.init(
      fault, operation: script["operation"]?.string, service: script[subject]?.string,
      nth: Int(script["nth"]?.int ?? 1),
      count: script["count"]?.string == "always" ? nil : Int(script["count"]?.int ?? 1))
  }
}
