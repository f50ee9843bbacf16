import JSON

extension VercelTwin {
  /// One operation of the API.
  struct Operation: Sendable {
    typealias Body = @Sendable (inout World, Call) throws(Problem) -> Answer

    enum Handler: Sendable {
      case world(Body)
      /// Takes bytes, or answers line by line: the core does it itself.
      case uploadFile, events, runtimeLogs
    }

    /// As in the API description, or a name for what is not in it.
    var name: String
    /// A shorter name, for faults and counts.
    var alias: String?
    var method: String
    var versions: Set<Int>
    /// The path without the version; a part that begins with `:` is a place.
    var path: [Substring]
    var needsScope: Bool
    var handler: Handler

    init(
      _ name: String, _ method: String, _ versions: Set<Int>, _ path: String, alias: String? = nil,
      needsScope: Bool = true, _ body: @escaping Body
    ) {
      self.init(name, method, versions, path, alias: alias, needsScope: needsScope, handler: .world(body))
    }

    init(
      _ name: String, _ method: String, _ versions: Set<Int>, _ path: String, alias: String? = nil,
      needsScope: Bool = true, handler: Handler
    ) {
      self.name = name
      self.alias = alias
      self.method = method
      self.versions = versions
      self.path = path.split(separator: "/")
      self.needsScope = needsScope
      self.handler = handler
    }

    /// What the path's places hold; nil when the operation is another one.
    func places(_ method: String, _ version: Int, _ parts: [String]) -> [String]? {
      guard method == self.method, versions.contains(version), parts.count == path.count else { return nil }
      var places: [String] = []
      for (part, wanted) in zip(parts, path) {
        if wanted.hasPrefix(":") {
          places.append(part)
        } else if part != wanted {
          return nil
        }
      }
      return places
    }

    /// Version 0 stands for a path without one. Versions beside the newest are those that the platform's own
    /// command line still uses (contract §3.2, §4.3, §13.15).
    static let all: [Operation] =
      accounts + projects + deployments + switching + aliases + rolling + variables + domains + checks

    static let accounts: [Operation] = [
      Operation("getAuthUser", "GET", [2], "user", needsScope: false) { w, c throws(Problem) in
        try w.readUser(c)
      },
      Operation("getTeams", "GET", [1, 2], "teams", needsScope: false) { w, c throws(Problem) in
        try w.listTeams(c)
      },
      Operation("getTeam", "GET", [0, 1, 2], "teams/:team", needsScope: false) { w, c throws(Problem) in
        try w.readTeam(c)
      },
    ]

    static let projects: [Operation] = [
      Operation("getProjects", "GET", [9, 10], "projects") { w, c throws(Problem) in try w.listProjects(c) },
      Operation("createProject", "POST", [9, 10, 11], "projects") { w, c throws(Problem) in
        try w.createProject(c)
      },
      Operation("getProject", "GET", [9], "projects/:project") { w, c throws(Problem) in
        try w.readProject(c)
      },
      Operation("updateProject", "PATCH", [9], "projects/:project") { w, c throws(Problem) in
        try w.updateProject(c)
      },
      Operation("deleteProject", "DELETE", [9], "projects/:project") { w, c throws(Problem) in
        try w.deleteProject(c)
      },
      Operation("pauseProject", "POST", [1], "projects/:project/pause") { w, c throws(Problem) in
        try w.pause(c, true)
      },
      Operation("unpauseProject", "POST", [1], "projects/:project/unpause") { w, c throws(Problem) in
        try w.pause(c, false)
      },
      Operation("getProductionDeployment", "GET", [0, 9], "projects/:project/production-deployment") {
        w, c throws(Problem) in try w.readProduction(c)
      },
      Operation(
        "updateProjectProtectionBypass", "PATCH", [1], "projects/:project/protection-bypass", alias: "bypass"
      ) { w, c throws(Problem) in try w.updateBypass(c) },
      Operation(
        "getProjectsByIdOrNameCustomEnvironments", "GET", [9], "projects/:project/custom-environments"
      ) { w, c throws(Problem) in try w.listEnvironments(c) },
      Operation("createCustomEnvironment", "POST", [9], "projects/:project/custom-environments") {
        w, c throws(Problem) in try w.createEnvironment(c)
      },
    ]

    static let deployments: [Operation] = [
      Operation("uploadFile", "POST", [2], "files", alias: "upload", handler: .uploadFile),
      Operation("createDeployment", "POST", [13], "deployments") { w, c throws(Problem) in
        try w.createDeployment(c)
      },
      Operation("getDeployment", "GET", [13], "deployments/:deployment") { w, c throws(Problem) in
        try w.readDeployment(c)
      },
      Operation("getDeployments", "GET", [6, 7], "deployments") { w, c throws(Problem) in
        try w.listDeployments(c)
      },
      Operation("cancelDeployment", "PATCH", [12], "deployments/:deployment/cancel", alias: "cancel") {
        w, c throws(Problem) in try w.cancelDeployment(c)
      },
      Operation("deleteDeployment", "DELETE", [13], "deployments/:deployment") { w, c throws(Problem) in
        try w.deleteDeployment(c)
      },
      Operation(
        "getDeploymentEvents", "GET", [2, 3], "deployments/:deployment/events", alias: "events",
        handler: .events),
      Operation(
        "getRuntimeLogs", "GET", [1], "projects/:project/deployments/:deployment/runtime-logs",
        handler: .runtimeLogs),
    ]

    static let switching: [Operation] = [
      Operation(
        "requestPromote", "POST", [9, 10], "projects/:project/promote/:deployment", alias: "promote"
      ) { w, c throws(Problem) in try w.switchProduction(.promote, c) },
      Operation(
        "requestRollback", "POST", [1, 9], "projects/:project/rollback/:deployment", alias: "rollback"
      ) { w, c throws(Problem) in try w.switchProduction(.rollback, c) },
      Operation(
        "updateProjectsByProjectIdRollbackByDeploymentIdUpdateDescription", "PATCH", [1],
        "projects/:project/rollback/:deployment/update-description", alias: "updateRollbackDescription"
      ) { w, c throws(Problem) in try w.updateDescription(c) },
      Operation("listPromoteAliases", "GET", [1, 9], "projects/:project/promote/aliases") {
        w, c throws(Problem) in try w.listSwitchedAliases(.promote, c)
      },
      Operation("listRollbackAliases", "GET", [1, 9], "projects/:project/rollback/aliases") {
        w, c throws(Problem) in try w.listSwitchedAliases(.rollback, c)
      },
    ]

    static let aliases: [Operation] = [
      Operation("assignAlias", "POST", [2], "deployments/:deployment/aliases") { w, c throws(Problem) in
        try w.assignAlias(c)
      },
      Operation("listDeploymentAliases", "GET", [2], "deployments/:deployment/aliases") {
        w, c throws(Problem) in try w.listAliases(of: c)
      },
      Operation("listAliases", "GET", [4], "aliases") { w, c throws(Problem) in try w.listAliases(c) },
      Operation("getAlias", "GET", [4], "aliases/:alias") { w, c throws(Problem) in try w.readAlias(c) },
      Operation("deleteAlias", "DELETE", [2], "aliases/:alias") { w, c throws(Problem) in
        try w.deleteAlias(c)
      },
    ]

    static let rolling: [Operation] = [
      Operation("getRollingRelease", "GET", [1], "projects/:project/rolling-release") {
        w, c throws(Problem) in try w.readRolling(c)
      },
      Operation("getRollingReleaseConfig", "GET", [1], "projects/:project/rolling-release/config") {
        w, c throws(Problem) in try w.readRollingConfig(c)
      },
      Operation("updateRollingReleaseConfig", "PATCH", [1], "projects/:project/rolling-release/config") {
        w, c throws(Problem) in try w.updateRollingConfig(c)
      },
      Operation("deleteRollingReleaseConfig", "DELETE", [1], "projects/:project/rolling-release/config") {
        w, c throws(Problem) in try w.deleteRollingConfig(c)
      },
      Operation("getRollingReleaseBillingStatus", "GET", [1], "projects/:project/rolling-release/billing") {
        w, c throws(Problem) in try w.readRollingBilling(c)
      },
      Operation("startRollingRelease", "POST", [1], "projects/:project/rolling-release/start") {
        w, c throws(Problem) in try w.startRolling(c)
      },
      Operation("approveRollingReleaseStage", "POST", [1], "projects/:project/rolling-release/approve-stage")
      {
        w, c throws(Problem) in try w.approveStage(c)
      },
      Operation("completeRollingRelease", "POST", [1], "projects/:project/rolling-release/complete") {
        w, c throws(Problem) in try w.finishRolling(c)
      },
    ]

    static let variables: [Operation] = [
      Operation("filterProjectEnvs", "GET", [9, 10], "projects/:project/env", alias: "listEnv") {
        w, c throws(Problem) in try w.listVariables(c)
      },
      Operation("createProjectEnv", "POST", [9, 10], "projects/:project/env", alias: "upsertEnv") {
        w, c throws(Problem) in try w.createVariables(c)
      },
      Operation("getProjectEnv", "GET", [1], "projects/:project/env/:variable") { w, c throws(Problem) in
        try w.readVariable(c)
      },
      Operation("editProjectEnv", "PATCH", [9], "projects/:project/env/:variable", alias: "editEnv") {
        w, c throws(Problem) in try w.editVariable(c)
      },
      Operation("removeProjectEnv", "DELETE", [9], "projects/:project/env/:variable") {
        w, c throws(Problem) in try w.removeVariable(c)
      },
      Operation("batchRemoveProjectEnv", "DELETE", [1], "projects/:project/env", alias: "deleteEnv") {
        w, c throws(Problem) in try w.removeVariables(c)
      },
    ]

    static let domains: [Operation] = [
      Operation("addProjectDomain", "POST", [10], "projects/:project/domains") { w, c throws(Problem) in
        try w.addDomain(c)
      },
      Operation("getProjectDomains", "GET", [9], "projects/:project/domains") { w, c throws(Problem) in
        try w.listDomains(c)
      },
      Operation("getProjectDomain", "GET", [9], "projects/:project/domains/:domain") {
        w, c throws(Problem) in try w.readDomain(c)
      },
      Operation("updateProjectDomain", "PATCH", [9], "projects/:project/domains/:domain") {
        w, c throws(Problem) in try w.updateDomain(c)
      },
      Operation("removeProjectDomain", "DELETE", [9], "projects/:project/domains/:domain") {
        w, c throws(Problem) in try w.removeDomain(c)
      },
      Operation("verifyProjectDomain", "POST", [9], "projects/:project/domains/:domain/verify") {
        w, c throws(Problem) in try w.verifyDomain(c)
      },
      Operation("getDomainConfig", "GET", [6], "domains/:domain/config") { w, c throws(Problem) in
        try w.readDomainConfig(c)
      },
    ]

    static let checks: [Operation] = [
      Operation("listProjectChecks", "GET", [2], "projects/:project/checks") { w, c throws(Problem) in
        try w.listChecks(c)
      },
      Operation("createProjectCheck", "POST", [2], "projects/:project/checks") { w, c throws(Problem) in
        try w.createCheck(c)
      },
      Operation("listDeploymentCheckRuns", "GET", [2], "deployments/:deployment/check-runs") {
        w, c throws(Problem) in try w.listRuns(c)
      },
      Operation("createDeploymentCheckRun", "POST", [2], "deployments/:deployment/check-runs") {
        w, c throws(Problem) in try w.createRun(c)
      },
      Operation("updateDeploymentCheckRun", "PATCH", [2], "deployments/:deployment/check-runs/:run") {
        w, c throws(Problem) in try w.updateRun(c)
      },
    ]
  }
}
