extension RailwayDeclaration {
  /// The queries and mutations that the twin answers.
  static let operations = """
    type Query {
      apiToken: ApiTokenContext!
      buildLogs(
        deploymentId: String!
        endDate: DateTime
        filter: String
        limit: Int
        startDate: DateTime
      ): [Log!]!
      deployment(id: String!): Deployment!
      deploymentEvents(
        after: String
        before: String
        first: Int
        id: String!
        last: Int
      ): QueryDeploymentEventsConnection!
      deploymentLogs(
        deploymentId: String!
        endDate: DateTime
        filter: String
        limit: Int
        startDate: DateTime
      ): [Log!]!
      deploymentSnapshot(deploymentId: String!): DeploymentSnapshot
      deploymentTriggers(
        after: String
        before: String
        environmentId: String!
        first: Int
        last: Int
        projectId: String!
        serviceId: String!
      ): QueryDeploymentTriggersConnection!
      deployments(
        after: String
        before: String
        first: Int
        input: DeploymentListInput!
        last: Int
      ): QueryDeploymentsConnection!
      domains(environmentId: String!, projectId: String!, serviceId: String!): AllDomains!
      environment(id: String!, projectId: String): Environment!
      environmentStagedChanges(environmentId: String!): EnvironmentPatch!
      me: User!
      platformStatus: PlatformStatus!
      project(id: String!): Project!
      projectToken: ProjectToken!
      projects(
        after: String
        before: String
        first: Int
        includeDeleted: Boolean
        last: Int
        orderBy: ProjectsOrderBy
        userId: String
        workspaceId: String
      ): QueryProjectsConnection!
      regions(projectId: String): [Region!]!
      serviceInstance(environmentId: String!, serviceId: String!): ServiceInstance!
      serviceInstanceAutoDeployStatus(
        environmentId: String!
        projectId: String!
        serviceId: String!
      ): ServiceInstanceAutoDeployStatus!
      serviceInstanceLimitOverride(environmentId: String!, serviceId: String!): ServiceInstanceLimit
      serviceInstanceLimits(environmentId: String!, serviceId: String!): ServiceInstanceLimit!
      privateNetworkEndpoint(
        environmentId: String!
        privateNetworkId: String!
        serviceId: String!
      ): PrivateNetworkEndpoint
      privateNetworks(environmentId: String!): [PrivateNetwork!]!
      tcpProxies(environmentId: String!, serviceId: String!): [TCPProxy!]!
      template(code: String, id: String, owner: String, repo: String): Template!
      variables(
        environmentId: String!
        projectId: String!
        serviceId: String
        unrendered: Boolean
      ): EnvironmentVariables!
      variablesForServiceDeployment(
        environmentId: String!
        projectId: String!
        serviceId: String!
      ): EnvironmentVariables!
      volumeInstanceBackupList(volumeInstanceId: String!): [VolumeInstanceBackup!]!
      volumeInstanceBackupScheduleList(volumeInstanceId: String!): [VolumeInstanceBackupSchedule!]!
      workflowStatus(workflowId: String!): WorkflowResult!
    }

    type Mutation {
      customDomainCreate(input: CustomDomainCreateInput!): CustomDomain!
      customDomainDelete(id: String!): Boolean!
      serviceDelete(environmentId: String, id: String!): Boolean!
      tcpProxyDelete(id: String!): Boolean!
      privateNetworkCreateOrGet(input: PrivateNetworkCreateOrGetInput!): PrivateNetwork!
      privateNetworkEndpointCreateOrGet(input: PrivateNetworkEndpointCreateOrGetInput!): PrivateNetworkEndpoint!
      privateNetworkEndpointRename(dnsName: String!, id: String!, privateNetworkId: String!): Boolean!
      deploymentApprove(id: String!): Boolean!
      deploymentCancel(id: String!): Boolean!
      deploymentRedeploy(id: String!, usePreviousImageTag: Boolean): Deployment!
      deploymentRemove(id: String!): Boolean!
      deploymentRestart(id: String!): Boolean!
      deploymentRollback(id: String!): Boolean!
      deploymentStop(id: String!): Boolean!
      environmentCreate(input: EnvironmentCreateInput!): Environment!
      environmentDelete(id: String!): Boolean!
      environmentPatchCommit(
        commitMessage: String
        environmentId: String!
        patch: EnvironmentConfig
      ): String!
      environmentPatchCommitStaged(
        commitMessage: String
        environmentId: String!
        skipDeploys: Boolean
      ): String!
      environmentStageChanges(
        environmentId: String!
        input: EnvironmentConfig!
        merge: Boolean
      ): EnvironmentPatch!
      projectCreate(input: ProjectCreateInput!): Project!
      serviceDomainCreate(input: ServiceDomainCreateInput!): ServiceDomain!
      templateDeployV2(input: TemplateDeployV2Input!): TemplateDeployPayload!
      volumeCreate(input: VolumeCreateInput!): Volume!
      volumeInstanceBackupRestore(
        replicaServiceIds: [String!]
        volumeInstanceBackupId: String!
        volumeInstanceId: String!
        wipeServiceIds: [String!]
      ): WorkflowId!
      serviceCreate(input: ServiceCreateInput!): Service!
      serviceInstanceAutoDeployUpdate(
        input: ServiceInstanceAutoDeployUpdateInput!
      ): ServiceInstanceAutoDeployUpdateResult!
      serviceInstanceDeploy(
        commitSha: String
        environmentId: String!
        latestCommit: Boolean
        serviceId: String!
      ): Boolean!
      serviceInstanceDeployV2(commitSha: String, environmentId: String!, serviceId: String!): String!
      serviceInstanceLimitsUpdate(input: ServiceInstanceLimitsUpdateInput!): Boolean!
      serviceInstanceRedeploy(environmentId: String!, serviceId: String!): Boolean!
      serviceInstanceUpdate(
        environmentId: String
        input: ServiceInstanceUpdateInput!
        serviceId: String!
      ): Boolean!
      variableCollectionUpsert(input: VariableCollectionUpsertInput!): Boolean!
      variableDelete(input: VariableDeleteInput!): Boolean!
      variableUpsert(input: VariableUpsertInput!): Boolean!
      volumeInstanceBackupCreate(name: String, volumeInstanceId: String!): WorkflowId!
      volumeInstanceBackupScheduleUpdate(
        kinds: [VolumeInstanceBackupScheduleKind!]!
        volumeInstanceId: String!
      ): Boolean!
    }
    """
}
