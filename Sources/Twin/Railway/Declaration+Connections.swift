extension RailwayDeclaration {
  /// Pages of objects, after the Relay pattern.
  static let connections = """
    type QueryDeploymentEventsConnection {
      edges: [QueryDeploymentEventsConnectionEdge!]!
      pageInfo: PageInfo!
    }

    type QueryDeploymentTriggersConnection {
      edges: [QueryDeploymentTriggersConnectionEdge!]!
      pageInfo: PageInfo!
    }

    type QueryDeploymentsConnection {
      edges: [QueryDeploymentsConnectionEdge!]!
      pageInfo: PageInfo!
    }

    type QueryProjectsConnection {
      edges: [QueryProjectsConnectionEdge!]!
      pageInfo: PageInfo!
    }

    type QueryDeploymentEventsConnectionEdge {
      cursor: String!
      node: DeploymentEvent!
    }

    type PageInfo {
      endCursor: String
      hasNextPage: Boolean!
      hasPreviousPage: Boolean!
      startCursor: String
    }

    type QueryDeploymentTriggersConnectionEdge {
      cursor: String!
      node: DeploymentTrigger!
    }

    type QueryDeploymentsConnectionEdge {
      cursor: String!
      node: Deployment!
    }

    type EnvironmentServiceInstancesConnection {
      edges: [EnvironmentServiceInstancesConnectionEdge!]!
      pageInfo: PageInfo!
    }

    type EnvironmentVariablesConnection {
      edges: [EnvironmentVariablesConnectionEdge!]!
      pageInfo: PageInfo!
    }

    type EnvironmentVolumeInstancesConnection {
      edges: [EnvironmentVolumeInstancesConnectionEdge!]!
      pageInfo: PageInfo!
    }

    type ProjectEnvironmentsConnection {
      edges: [ProjectEnvironmentsConnectionEdge!]!
      pageInfo: PageInfo!
    }

    type ProjectServicesConnection {
      edges: [ProjectServicesConnectionEdge!]!
      pageInfo: PageInfo!
    }

    type QueryProjectsConnectionEdge {
      cursor: String!
      node: Project!
    }

    type EnvironmentServiceInstancesConnectionEdge {
      cursor: String!
      node: ServiceInstance!
    }

    type EnvironmentVariablesConnectionEdge {
      cursor: String!
      node: Variable!
    }

    type EnvironmentVolumeInstancesConnectionEdge {
      cursor: String!
      node: VolumeInstance!
    }

    type ProjectEnvironmentsConnectionEdge {
      cursor: String!
      node: Environment!
    }

    type ProjectServicesConnectionEdge {
      cursor: String!
      node: Service!
    }
    """
}
