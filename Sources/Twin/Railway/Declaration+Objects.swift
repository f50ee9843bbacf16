extension RailwayDeclaration {
  /// The object types they return.
  static let objects = """
    type ApiTokenContext {
      workspaces: [ApiTokenWorkspace!]!
    }

    type Log {
      attributes: [LogAttribute!]!
      message: String!
      severity: String
      tags: LogTags
      timestamp: String!
    }

    type Deployment implements Node {
      canRedeploy: Boolean!
      canRollback: Boolean!
      createdAt: DateTime!
      deploymentStopped: Boolean!
      diagnosis: DeploymentDiagnosis
      environment: Environment!
      environmentId: String!
      id: ID!
      instances: [DeploymentDeploymentInstance!]!
      meta: DeploymentMeta
      projectId: String!
      service: Service!
      serviceId: String
      snapshotId: String
      staticUrl: String
      status: DeploymentStatus!
      statusUpdatedAt: DateTime
      suggestAddServiceDomain: Boolean!
      updatedAt: DateTime!
      url: String
    }

    type DeploymentSnapshot implements Node {
      createdAt: DateTime!
      id: ID!
      updatedAt: DateTime!
      variables: EnvironmentVariables!
    }

    type Environment implements Node {
      canAccess: Boolean!
      config(decryptVariables: Boolean): EnvironmentConfig!
      configEtag: String!
      createdAt: DateTime!
      deletedAt: DateTime
      id: ID!
      isEphemeral: Boolean!
      name: String!
      projectId: String!
      serviceInstances(
        after: String
        before: String
        first: Int
        last: Int
      ): EnvironmentServiceInstancesConnection!
      unmergedChangesCount: Int
      updatedAt: DateTime!
      variables(after: String, before: String, first: Int, last: Int): EnvironmentVariablesConnection!
      volumeInstances(
        after: String
        before: String
        first: Int
        last: Int
      ): EnvironmentVolumeInstancesConnection!
    }

    type User implements Node {
      email: String!
      id: ID!
      name: String
    }

    type PlatformStatus {
      incident: Incident
      isStable: Boolean!
      maintenance: Maintenance
    }

    type Project implements Node {
      createdAt: DateTime!
      deletedAt: DateTime
      description: String
      environments(
        after: String
        before: String
        first: Int
        isEphemeral: Boolean
        last: Int
        sort: SortOrder
      ): ProjectEnvironmentsConnection!
      id: ID!
      isPublic: Boolean!
      isTempProject: Boolean!
      name: String!
      prDeploys: Boolean!
      primaryEnvironmentId: String
      services(after: String, before: String, first: Int, last: Int): ProjectServicesConnection!
      subscriptionType: SubscriptionPlanType!
      updatedAt: DateTime!
      workspaceId: String
    }

    type ProjectToken implements Node {
      createdAt: DateTime!
      displayToken: String!
      environment: Environment!
      environmentId: String!
      id: ID!
      name: String!
      project: Project!
      projectId: String!
    }

    type Region {
      country: String!
      deploymentConstraints: RegionDeploymentConstraints
      id: String
      location: String!
      name: String!
      region: String
      workspaceId: String
    }

    type ServiceInstance implements Node {
      activeDeployments: [Deployment!]!
      buildCommand: String
      builder: Builder!
      createdAt: DateTime!
      cronSchedule: String
      deletedAt: DateTime
      dockerfilePath: String
      domains: AllDomains!
      drainingSeconds: Int
      environmentId: String!
      healthcheckPath: String
      healthcheckTimeout: Int
      id: ID!
      ipv6EgressEnabled: Boolean
      isUpdatable: Boolean!
      latestDeployment: Deployment
      nextCronRunAt: DateTime
      numReplicas: Int
      overlapSeconds: Int
      preDeployCommand: JSON
      railwayConfigFile: String
      region: String
      restartPolicyMaxRetries: Int!
      restartPolicyType: RestartPolicyType!
      rootDirectory: String
      service: Service!
      serviceId: String!
      serviceName: String!
      sleepApplication: Boolean
      source: ServiceSource
      startCommand: String
      updatedAt: DateTime!
      upstreamUrl: String
      watchPatterns: [String!]!
    }

    type ServiceInstanceAutoDeployStatus {
      canEnable: Boolean!
      enabled: Boolean!
      reason: String
    }

    type Service implements Node {
      createdAt: DateTime!
      deletedAt: DateTime
      icon: String
      id: ID!
      isRestricted: Boolean!
      name: String!
      project: Project!
      projectId: String!
      updatedAt: DateTime!
    }

    type ServiceInstanceAutoDeployUpdateResult {
      enabled: Boolean!
    }

    type ApiTokenWorkspace {
      id: String!
      name: String!
    }

    type LogAttribute {
      key: String!
      value: String!
    }

    type LogTags {
      deploymentId: String
      deploymentInstanceId: String
      environmentId: String
      projectId: String
      serviceId: String
      snapshotId: String
    }

    type DeploymentDeploymentInstance {
      id: String!
      status: DeploymentInstanceStatus!
    }

    type Incident {
      createdAt: DateTime
      id: String!
      message: String!
      status: IncidentStatus!
      url: String!
    }

    type Maintenance {
      id: String!
      message: String!
      start: DateTime!
      status: MaintenanceStatus!
      url: String!
    }

    type RegionDeploymentConstraints {
      deprecationInfo: RegionDeprecationInfo
    }

    type AllDomains {
      customDomains: [CustomDomain!]!
      serviceDomains: [ServiceDomain!]!
    }

    type ServiceSource {
      image: String
      repo: String
    }

    type DeploymentEvent implements Node {
      completedAt: DateTime
      createdAt: DateTime!
      id: ID!
      payload: DeploymentEventPayload
      step: DeploymentEventStep!
    }

    type DeploymentTrigger implements Node {
      baseEnvironmentOverrideId: String
      branch: String!
      checkSuites: Boolean!
      environmentId: String!
      id: ID!
      projectId: String!
      provider: String!
      repository: String!
      serviceId: String
      validCheckSuites: Int!
    }

    type RegionDeprecationInfo {
      isDeprecated: Boolean!
      replacementRegion: String!
    }

    type CustomDomain {
      createdAt: DateTime
      deletedAt: DateTime
      domain: String!
      environmentId: String!
      id: ID!
      projectId: String
      serviceId: String!
      status: CustomDomainStatus!
      syncStatus: CustomDomainSyncStatus!
      targetPort: Int
      updatedAt: DateTime
    }

    type ServiceDomain {
      createdAt: DateTime
      deletedAt: DateTime
      domain: String!
      edgeId: String
      environmentId: String!
      id: ID!
      newDomainName: String
      newHostLabel: String
      projectId: String
      serviceId: String!
      suffix: String
      syncStatus: ServiceDomainSyncStatus!
      targetPort: Int
      updatedAt: DateTime
    }

    type DeploymentEventPayload {
      attempt: Int
      detail: String
      durationMs: Int
      error: String
      maxAttempts: Int
      reason: String
      skipped: Boolean
    }

    type Variable implements Node {
      createdAt: DateTime!
      environmentId: String
      id: ID!
      isSealed: Boolean!
      name: String!
      references: [String!]!
      serviceId: String
      updatedAt: DateTime!
    }

    type VolumeInstance implements Node {
      createdAt: DateTime!
      currentSizeMB: Float!
      deletedAt: DateTime
      environment: Environment!
      environmentId: String!
      externalId: String
      id: ID!
      isPendingDeletion: Boolean!
      mountPath: String!
      region: String
      service: Service!
      serviceId: String
      sizeMB: Int!
      state: VolumeState
      volume: Volume!
      volumeId: String!
    }

    type VolumeInstanceBackup {
      createdAt: DateTime!
      creatorId: String
      expiresAt: DateTime
      externalId: String!
      id: String!
      name: String
      referencedMB: Int
      scheduleId: String
      usedMB: Int
      volumeInstanceSizeMB: Int
    }

    type VolumeInstanceBackupSchedule {
      createdAt: DateTime!
      cron: String!
      id: ID!
      kind: VolumeInstanceBackupScheduleKind!
      name: String!
      retentionSeconds: Int
    }

    type WorkflowId {
      workflowId: String
    }

    type WorkflowResult {
      error: String
      status: WorkflowStatus!
    }

    type Volume implements Node {
      createdAt: DateTime!
      id: ID!
      name: String!
      project: Project!
      projectId: String!
    }

    interface Node {
      id: ID!
    }
    """
}
