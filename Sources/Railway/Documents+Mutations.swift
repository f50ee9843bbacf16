extension Documents {
  static let serviceInstanceUpdate = Operation(
    """
    mutation ShipitServiceInstanceUpdate(
      $serviceId: String!
      $environmentId: String!
      $input: ServiceInstanceUpdateInput!
    ) {
      serviceInstanceUpdate(serviceId: $serviceId, environmentId: $environmentId, input: $input)
    }
    """)

  static let autoDeployUpdate = Operation(
    """
    mutation ShipitAutoDeployUpdate($input: ServiceInstanceAutoDeployUpdateInput!) {
      serviceInstanceAutoDeployUpdate(input: $input) { enabled }
    }
    """)

  static let limitsUpdate = Operation(
    """
    mutation ShipitLimitsUpdate($input: ServiceInstanceLimitsUpdateInput!) {
      serviceInstanceLimitsUpdate(input: $input)
    }
    """)

  static let variablesUpsert = Operation(
    """
    mutation ShipitVariablesUpsert($input: VariableCollectionUpsertInput!) {
      variableCollectionUpsert(input: $input)
    }
    """)

  static let variableDelete = Operation(
    """
    mutation ShipitVariableDelete($input: VariableDeleteInput!) {
      variableDelete(input: $input)
    }
    """)

  static let deploy = Operation(
    """
    mutation ShipitDeploy($serviceId: String!, $environmentId: String!, $commitSha: String) {
      serviceInstanceDeployV2(
        serviceId: $serviceId
        environmentId: $environmentId
        commitSha: $commitSha
      )
    }
    """)

  static let redeploy = Operation(
    """
    mutation ShipitRedeploy($id: String!, $usePreviousImageTag: Boolean) {
      deploymentRedeploy(id: $id, usePreviousImageTag: $usePreviousImageTag) {
        id
        status
        createdAt
        meta
      }
    }
    """)

  static let rollback = Operation(
    """
    mutation ShipitRollback($id: String!) { deploymentRollback(id: $id) }
    """)

  static let cancel = Operation(
    """
    mutation ShipitCancel($id: String!) { deploymentCancel(id: $id) }
    """)

  static let backups = Operation(
    """
    query ShipitBackups($volumeInstanceId: String!) {
      volumeInstanceBackupList(volumeInstanceId: $volumeInstanceId) {
        id
        name
        createdAt
        usedMB
      }
    }
    """)

  static let backupCreate = Operation(
    """
    mutation ShipitBackupCreate($volumeInstanceId: String!, $name: String) {
      volumeInstanceBackupCreate(volumeInstanceId: $volumeInstanceId, name: $name) { workflowId }
    }
    """)

  static let backupSchedules = Operation(
    """
    query ShipitBackupSchedules($volumeInstanceId: String!) {
      volumeInstanceBackupScheduleList(volumeInstanceId: $volumeInstanceId) { id kind }
    }
    """)

  static let backupSchedulesSet = Operation(
    """
    mutation ShipitBackupSchedulesSet(
      $volumeInstanceId: String!
      $kinds: [VolumeInstanceBackupScheduleKind!]!
    ) {
      volumeInstanceBackupScheduleUpdate(volumeInstanceId: $volumeInstanceId, kinds: $kinds)
    }
    """)

  static let workflow = Operation(
    """
    query ShipitWorkflow($workflowId: String!) {
      workflowStatus(workflowId: $workflowId) { status error }
    }
    """)

  /// Every document, the one for several services in a sample of its shapes.
  static let all: [Operation] =
    [
      projectToken, apiToken, projects, project, environment, platformStatus,
      services(withRepository: [true]), services(withRepository: [false, true, false]), settings,
      autoDeploys(2),
      variables,
      variableMetadata, deployments, deployment, deploymentEvents, deploymentSnapshot, buildLogs,
      deploymentLogs, serviceInstanceUpdate, limitsUpdate, variablesUpsert, variableDelete, deploy,
      redeploy, rollback, cancel, backups, backupCreate, workflow, stagedChanges, backupSchedules,
      backupSchedulesSet, httpStatusMetrics,
      httpDurationMetrics,
    ] + creating
}
