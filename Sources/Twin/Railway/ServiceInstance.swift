package import Concurrency
package import JSON

/// A service in one environment.
package struct ServiceInstance: Sendable {
  package var id: String
  package var key: InstanceKey
  package var settings = InstanceSettings()
  package var source = SourceReference.none
  package var variables: [String: StoredVariable] = [:]
  /// Host and port of its address, when it has a public domain.
  package var address: String?
  package var domainID = ""
  package var customDomains: [World.CustomDomain] = []
  package var proxies: [World.TCPProxy] = []
  package var volume: String?
  /// In the private network, when it is not the service's own name.
  package var privateName: String?
  package var limits: JSON?
  package var autoDeploy = AutoDeploy()
  package var createdAt: Timestamp
  package var updatedAt: Timestamp
  /// Not found by anyone before this moment.
  package var visibleFrom: Timestamp
  /// How often it was deployed; behaviours match on it.
  package var deploymentsSoFar = 0

  package struct AutoDeploy: Sendable {
    package var enabled = false
    package var triggerID = ""
    package var branch = "main"
    package var checkSuites = false
  }
}

/// Where the code of a service comes from, as configured.
package enum SourceReference: Sendable, Equatable {
  case none
  case image(String)
  case repository(String, branch: String)
}

/// The settings of an instance; a deployment keeps those it was created with.
package struct InstanceSettings: Sendable {
  package var builder = "RAILPACK"
  package var buildCommand: String?
  package var startCommand: String?
  package var preDeployCommand: [String] = []
  package var healthcheckPath: String?
  /// Seconds; 300 when nil.
  package var healthcheckTimeout: Int?
  package var numReplicas: Int? = 1
  package var region: String?
  package var restartPolicy = RestartPolicy.onFailure
  package var restartLimit = 10
  /// Seconds the old deployment keeps running beside the new one.
  package var overlapSeconds: Int?
  /// Seconds between SIGTERM and SIGKILL.
  package var drainingSeconds: Int?
  package var rootDirectory: String?
  package var cronSchedule: String?
  package var sleepApplication: Bool?
  /// Settings that are stored and read back but change nothing here.
  package var others: [String: JSON] = [:]

  package enum RestartPolicy: String, Sendable {
    case always = "ALWAYS"
    case onFailure = "ON_FAILURE"
    case never = "NEVER"
  }

  package init() {}

  /// Takes over the members of a `ServiceInstanceUpdateInput`; absent ones stay, null ones are cleared.
  package mutating func apply(_ input: [String: JSON]) {
    for (name, value) in input {
      switch name {
      case "builder": builder = value.string ?? "RAILPACK"
      case "buildCommand": buildCommand = value.string
      case "startCommand": startCommand = value.string
      case "preDeployCommand":
        preDeployCommand = value.array?.compactMap(\.string) ?? value.string.map { [$0] } ?? []
      case "healthcheckPath": healthcheckPath = value.string.flatMap { $0.isEmpty ? nil : $0 }
      case "healthcheckTimeout": healthcheckTimeout = value.int.map(Int.init)
      case "numReplicas": numReplicas = value.int.map(Int.init)
      case "region": region = value.string
      case "restartPolicyType":
        restartPolicy = value.string.flatMap(RestartPolicy.init(rawValue:)) ?? .onFailure
      case "restartPolicyMaxRetries": restartLimit = value.int.map(Int.init) ?? 10
      case "overlapSeconds": overlapSeconds = value.int.map(Int.init)
      case "drainingSeconds": drainingSeconds = value.int.map(Int.init)
      case "rootDirectory": rootDirectory = value.string
      case "cronSchedule": cronSchedule = value.string
      case "sleepApplication": sleepApplication = value.bool
      case "source", "registryCredentials": break
      default: others[name] = value.isNull ? nil : value
      }
    }
  }

  var overlap: Duration { .seconds(overlapSeconds ?? 0) }
  var drain: Duration { .seconds(drainingSeconds ?? 0) }
  var healthBudget: Duration { .seconds(healthcheckTimeout ?? 300) }
}
