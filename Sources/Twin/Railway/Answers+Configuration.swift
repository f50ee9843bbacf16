import JSON

extension Answers {
  /// The configuration of an environment as one text (contract railway §9): settings that are set, limits, variables.
  /// - Parameter decrypts: with the values of variables; otherwise they are null. A sealed one is null always, or left
  ///   out, whichever is switched on.
  func configuration(of environment: World.Environment, decrypts: Bool) -> JSON {
    var services: [String: JSON] = [:]
    for instance in world.instances.values
    where instance.key.environment == environment.id && instance.visibleFrom <= world.now
      && world.services[instance.key.service]?.deletedAt == nil
    {
      services[instance.key.service] = configuration(of: instance, decrypts: decrypts)
    }
    return [
      "services": .object(services), "sharedVariables": .object(variables(environment.shared, decrypts)),
    ]
  }

  private func configuration(of instance: ServiceInstance, decrypts: Bool) -> JSON {
    let settings = instance.settings
    var deploy: [String: JSON] = [
      "restartPolicyType": .string(settings.restartPolicy.rawValue),
      "restartPolicyMaxRetries": .int(Int64(settings.restartLimit)),
    ]
    func put(_ name: String, _ value: JSON?) { if let value { deploy[name] = value } }
    put("startCommand", settings.startCommand.map(JSON.string))
    put("healthcheckPath", settings.healthcheckPath.map(JSON.string))
    put("healthcheckTimeout", settings.healthcheckTimeout.map { .int(Int64($0)) })
    put("numReplicas", settings.numReplicas.map { .int(Int64($0)) })
    put("cronSchedule", settings.cronSchedule.map(JSON.string))
    put("overlapSeconds", settings.overlapSeconds.map { .int(Int64($0)) })
    put("drainingSeconds", settings.drainingSeconds.map { .int(Int64($0)) })
    put("sleepApplication", settings.sleepApplication.map(JSON.bool))
    put("limitOverride", instance.limits)
    return [
      "build": ["builder": .string(settings.builder)], "deploy": .object(deploy),
      "variables": .object(variables(instance.variables, decrypts)),
    ]
  }

  private func variables(_ stored: [String: StoredVariable], _ decrypts: Bool) -> [String: JSON] {
    var result: [String: JSON] = [:]
    for (name, variable) in stored where !variable.isSealed || world.switches.sealedReadAsNull {
      let isShown = decrypts && !variable.isSealed
      result[name] = [
        "value": isShown ? .string(variable.value) : .null, "isSealed": .bool(variable.isSealed),
      ]
    }
    return result
  }
}
