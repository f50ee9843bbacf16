/// One GraphQL document that is sent to Railway.
struct Operation: Sendable, Hashable {
  let name: String
  let text: String
  /// Changes something: never repeated without reading back first.
  let isMutation: Bool

  init(_ text: String) {
    let words = text.split(maxSplits: 2, whereSeparator: { $0 == " " || $0 == "(" || $0 == "\n" })
    isMutation = words.first == "mutation"
    name = words.count > 1 ? String(words[1]) : ""
    self.text = text
  }
}

/// The documents, one for each operation that is sent, and no others. Validated by a test against Railway's schema.
enum Documents {
  static let projectToken = Operation(
    """
    query ShipitProjectToken {
      projectToken {
        id
        name
        projectId
        environmentId
        project { id name workspaceId subscriptionType }
        environment { id name }
      }
    }
    """)

  static let apiToken = Operation(
    """
    query ShipitApiToken {
      apiToken {
        workspaces { id name }
      }
    }
    """)

  static let projects = Operation(
    """
    query ShipitProjects($workspaceId: String, $first: Int, $after: String) {
      projects(workspaceId: $workspaceId, first: $first, after: $after, includeDeleted: false) {
        edges { node { id name description deletedAt workspaceId } }
        pageInfo { hasNextPage endCursor }
      }
    }
    """)

  static let project = Operation(
    """
    query ShipitProject($id: String!) {
      project(id: $id) {
        id
        name
        deletedAt
        workspaceId
        environments(first: 500) {
          edges { node { id name deletedAt canAccess } }
        }
        services(first: 500) {
          edges { node { id name createdAt deletedAt } }
        }
      }
    }
    """)

  /// The state of every service of one environment, a page at a time: what the poller asks.
  static let environment = Operation(
    """
    query ShipitEnvironment(
      $projectId: String!
      $environmentId: String!
      $servicesFirst: Int
      $servicesAfter: String
      $volumesFirst: Int
      $volumesAfter: String
    ) {
      environment(id: $environmentId, projectId: $projectId) {
        id
        name
        canAccess
        unmergedChangesCount
        serviceInstances(first: $servicesFirst, after: $servicesAfter) {
          edges {
            node {
              id
              serviceId
              serviceName
              cronSchedule
              source { repo image }
              domains {
                serviceDomains { domain }
                customDomains { domain }
              }
              latestDeployment {
                id
                status
                createdAt
                canRedeploy
                canRollback
                deploymentStopped
                meta
                instances { id status }
              }
              activeDeployments {
                id
                status
                createdAt
                canRedeploy
                canRollback
                deploymentStopped
                meta
                instances { id status }
              }
            }
          }
          pageInfo { hasNextPage endCursor }
        }
        volumeInstances(first: $volumesFirst, after: $volumesAfter) {
          edges { node { id serviceId isPendingDeletion deletedAt } }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
    """)

  static let platformStatus = Operation(
    """
    query ShipitPlatformStatus {
      platformStatus {
        isStable
        incident { id message status url }
        maintenance { id message status start url }
      }
    }
    """)

  /// Settings, variables and limits of several services in one request; `$s0`, `$s1`, … are their ids.
  /// - Parameter withRepository: for each service, whether it is connected to a repository, so that its
  ///   automatic deploys are asked for.
  static func services(withRepository: [Bool]) -> Operation {
    let ids = withRepository.indices.map { "$s\($0): String!" }.joined(separator: ", ")
    var text = "query ShipitServices($projectId: String!, $environmentId: String!, \(ids)) {\n"
    for (index, hasRepository) in withRepository.enumerated() {
      let pair = "environmentId: $environmentId, serviceId: $s\(index)"
      text += "  s\(index): serviceInstance(\(pair)) {\n    \(settingFields)\n  }\n"
      text += "  v\(index): variables(projectId: $projectId, \(pair), unrendered: true)\n"
      text += "  l\(index): serviceInstanceLimitOverride(\(pair))\n"
      if hasRepository {
        text += "  a\(index): serviceInstanceAutoDeployStatus(projectId: $projectId, \(pair)) { enabled }\n"
      }
    }
    return Operation(text + "}")
  }

  /// The same for a whole environment, a page of services at a time; variables and limits come in one text.
  static let settings = Operation(
    """
    query ShipitSettings($projectId: String!, $environmentId: String!, $first: Int, $after: String) {
      environment(id: $environmentId, projectId: $projectId) {
        id
        config(decryptVariables: true)
        serviceInstances(first: $first, after: $after) {
          edges {
            node {
              \(settingFields)
            }
          }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
    """)

  /// Whether services that are connected to a repository deploy by themselves.
  static func autoDeploys(_ count: Int) -> Operation {
    let ids = (0..<count).map { "$s\($0): String!" }.joined(separator: ", ")
    var text = "query ShipitAutoDeploys($projectId: String!, $environmentId: String!, \(ids)) {\n"
    for index in 0..<count {
      let service = "environmentId: $environmentId, serviceId: $s\(index)"
      text += "  a\(index): serviceInstanceAutoDeployStatus(projectId: $projectId, \(service)) { enabled }\n"
    }
    return Operation(text + "}")
  }

  private static let settingFields = """
    id serviceId serviceName builder buildCommand dockerfilePath rootDirectory startCommand
        preDeployCommand healthcheckPath healthcheckTimeout numReplicas region restartPolicyType
        restartPolicyMaxRetries cronSchedule sleepApplication overlapSeconds drainingSeconds
        source { repo image }
    """

  static let variables = Operation(
    """
    query ShipitVariables(
      $projectId: String!
      $environmentId: String!
      $serviceId: String
      $unrendered: Boolean
    ) {
      variables(
        projectId: $projectId
        environmentId: $environmentId
        serviceId: $serviceId
        unrendered: $unrendered
      )
    }
    """)

  /// Which variables exist, without values: sealed ones may be missing from the values' answer.
  static let variableMetadata = Operation(
    """
    query ShipitVariableMetadata($environmentId: String!, $first: Int, $after: String) {
      environment(id: $environmentId) {
        id
        variables(first: $first, after: $after) {
          edges { node { id name serviceId isSealed updatedAt } }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
    """)

  static let deployments = Operation(
    """
    query ShipitDeployments($input: DeploymentListInput!, $first: Int, $after: String) {
      deployments(input: $input, first: $first, after: $after) {
        edges {
          node {
            id
            status
            createdAt
            serviceId
            canRedeploy
            canRollback
            deploymentStopped
            meta
          }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
    """)

  static let deployment = Operation(
    """
    query ShipitDeployment($id: String!) {
      deployment(id: $id) {
        id
        status
        createdAt
        serviceId
        canRedeploy
        canRollback
        deploymentStopped
        meta
        instances { id status }
      }
    }
    """)

  static let deploymentEvents = Operation(
    """
    query ShipitDeploymentEvents($id: String!, $first: Int) {
      deploymentEvents(id: $id, first: $first) {
        edges {
          node {
            id
            step
            createdAt
            completedAt
            payload { error reason detail }
          }
        }
      }
    }
    """)

  static let deploymentSnapshot = Operation(
    """
    query ShipitDeploymentSnapshot($deploymentId: String!) {
      deploymentSnapshot(deploymentId: $deploymentId) { id createdAt variables }
    }
    """)

  static let buildLogs = Operation(
    """
    query ShipitBuildLogs($deploymentId: String!, $limit: Int, $startDate: DateTime) {
      buildLogs(deploymentId: $deploymentId, limit: $limit, startDate: $startDate) {
        timestamp
        severity
        message
      }
    }
    """)

  static let deploymentLogs = Operation(
    """
    query ShipitDeploymentLogs($deploymentId: String!, $limit: Int, $startDate: DateTime) {
      deploymentLogs(deploymentId: $deploymentId, limit: $limit, startDate: $startDate) {
        timestamp
        severity
        message
      }
    }
    """)
}
