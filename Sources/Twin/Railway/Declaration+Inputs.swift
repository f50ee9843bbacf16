extension RailwayDeclaration {
  /// What they take: inputs, enumerations and scalars.
  static let inputs = """
    scalar DateTime
    input DeploymentListInput {
      environmentId: String
      includeDeleted: Boolean
      projectId: String
      serviceId: String
      status: DeploymentStatusInput
    }

    enum ProjectsOrderBy {
      CREATED_AT_DESC NAME_ASC UPDATED_AT_DESC
    }

    scalar ServiceInstanceLimit
    scalar EnvironmentVariables
    scalar EnvironmentConfig
    input ServiceCreateInput {
      branch: String
      environmentId: String
      icon: String
      name: String
      projectId: String!
      registryCredentials: RegistryCredentialsInput
      source: ServiceSourceInput
      templateId: String
      templateServiceId: String
      variables: EnvironmentVariables
    }

    input ServiceInstanceAutoDeployUpdateInput {
      enabled: Boolean!
      environmentId: String!
      projectId: String!
      serviceId: String!
    }

    input ServiceInstanceLimitsUpdateInput {
      environmentId: String!
      memoryGB: Float
      serviceId: String!
      vCPUs: Float
    }

    input ServiceInstanceUpdateInput {
      buildCommand: String
      builder: Builder
      cronSchedule: String
      dockerfilePath: String
      drainingSeconds: Int
      healthcheckPath: String
      healthcheckTimeout: Int
      ipv6EgressEnabled: Boolean
      multiRegionConfig: JSON
      nixpacksPlan: JSON
      numReplicas: Int
      overlapSeconds: Int
      preDeployCommand: [String!]
      railwayConfigFile: String
      region: String
      registryCredentials: RegistryCredentialsInput
      restartPolicyMaxRetries: Int
      restartPolicyType: RestartPolicyType
      rootDirectory: String
      sleepApplication: Boolean
      source: ServiceSourceInput
      startCommand: String
      watchPatterns: [String!]
    }

    input VariableCollectionUpsertInput {
      environmentId: String!
      projectId: String!
      replace: Boolean = false
      serviceId: String
      skipDeploys: Boolean = false
      variables: EnvironmentVariables!
    }

    input VariableDeleteInput {
      environmentId: String!
      name: String!
      projectId: String!
      serviceId: String
    }

    input VariableUpsertInput {
      environmentId: String!
      name: String!
      projectId: String!
      serviceId: String
      skipDeploys: Boolean = false
      value: String!
    }

    scalar DeploymentDiagnosis
    scalar DeploymentMeta
    enum DeploymentStatus {
      BUILDING CRASHED DEPLOYING FAILED INITIALIZING NEEDS_APPROVAL QUEUED REMOVED REMOVING
      SKIPPED SLEEPING SUCCESS WAITING
    }

    input DeploymentStatusInput {
      in: [DeploymentStatus!]
      notIn: [DeploymentStatus!]
    }

    enum SortOrder {
      asc desc
    }

    enum SubscriptionPlanType {
      free hobby pro trial
    }

    enum Builder {
      HEROKU NIXPACKS PAKETO RAILPACK
    }

    scalar JSON
    enum RestartPolicyType {
      ALWAYS NEVER ON_FAILURE
    }

    input RegistryCredentialsInput {
      password: String!
      username: String!
    }

    input ServiceSourceInput {
      image: String
      repo: String
    }

    enum DeploymentInstanceStatus {
      CRASHED CREATED EXITED INITIALIZING REMOVED REMOVING RESTARTING RUNNING SKIPPED STOPPED
    }

    enum IncidentStatus {
      IDENTIFIED INVESTIGATING MONITORING RESOLVED
    }

    enum MaintenanceStatus {
      COMPLETED INPROGRESS NOTSTARTEDYET
    }

    enum DeploymentEventStep {
      BUILD_IMAGE CONFIGURE_NETWORK CREATE_CONTAINER DRAIN_INSTANCES HEALTHCHECK
      MIGRATE_VOLUMES PRE_DEPLOY_COMMAND PUBLISH_IMAGE SNAPSHOT_CODE WAIT_FOR_DEPENDENCIES
    }

    enum CustomDomainSyncStatus {
      ACTIVE CREATING DELETED DELETING UNSPECIFIED UPDATING
    }

    enum ServiceDomainSyncStatus {
      ACTIVE CREATING DELETED DELETING UNSPECIFIED UPDATING
    }

    enum WorkflowStatus {
      Complete
      Error
      NotFound
      Running
    }

    enum VolumeInstanceBackupScheduleKind {
      DAILY MONTHLY WEEKLY
    }

    enum VolumeState {
      DELETED DELETING ERROR MIGRATING MIGRATION_PENDING READY RESTORING UPDATING
    }
    """
}
