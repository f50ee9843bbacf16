/// What makes things, and what looks for them.
extension Documents {
  static let projectCreate = Operation(
    """
    mutation ShipitProjectCreate($input: ProjectCreateInput!) {
      projectCreate(input: $input) { id name }
    }
    """)

  static let environmentCreate = Operation(
    """
    mutation ShipitEnvironmentCreate($input: EnvironmentCreateInput!) {
      environmentCreate(input: $input) { id name }
    }
    """)

  static let environmentFacts = Operation(
    """
    query ShipitEnvironmentFacts($projectId: String!, $environmentId: String!) {
      environment(id: $environmentId, projectId: $projectId) {
        id
        name
        isEphemeral
        createdAt
        deletedAt
      }
    }
    """)

  static let environmentDelete = Operation(
    """
    mutation ShipitEnvironmentDelete($id: String!) { environmentDelete(id: $id) }
    """)

  static let serviceCreate = Operation(
    """
    mutation ShipitServiceCreate($input: ServiceCreateInput!) {
      serviceCreate(input: $input) { id name projectId }
    }
    """)

  static let template = Operation(
    """
    query ShipitTemplate($code: String!) {
      template(code: $code) { id code name serializedConfig }
    }
    """)

  static let templateDeploy = Operation(
    """
    mutation ShipitTemplateDeploy($input: TemplateDeployV2Input!) {
      templateDeployV2(input: $input) { projectId workflowId }
    }
    """)

  static let volumeCreate = Operation(
    """
    mutation ShipitVolumeCreate($input: VolumeCreateInput!) {
      volumeCreate(input: $input) { id name projectId }
    }
    """)

  static let domains = Operation(
    """
    query ShipitDomains($projectId: String!, $environmentId: String!, $serviceId: String!) {
      domains(projectId: $projectId, environmentId: $environmentId, serviceId: $serviceId) {
        serviceDomains { id domain syncStatus }
        customDomains {
          id
          domain
          syncStatus
          status {
            verified
            verificationDnsHost
            verificationToken
            certificateStatus
            certificateErrorMessage
            dnsRecords { fqdn recordType purpose requiredValue currentValue status }
          }
        }
      }
    }
    """)

  static let serviceDomainCreate = Operation(
    """
    mutation ShipitServiceDomainCreate($input: ServiceDomainCreateInput!) {
      serviceDomainCreate(input: $input) { id domain syncStatus }
    }
    """)

  static let customDomainCreate = Operation(
    """
    mutation ShipitCustomDomainCreate($input: CustomDomainCreateInput!) {
      customDomainCreate(input: $input) { id domain }
    }
    """)

  static let tcpProxies = Operation(
    """
    query ShipitTcpProxies($environmentId: String!, $serviceId: String!) {
      tcpProxies(environmentId: $environmentId, serviceId: $serviceId) {
        id
        domain
        proxyPort
        applicationPort
        syncStatus
      }
    }
    """)

  static let patchCommit = Operation(
    """
    mutation ShipitPatchCommit(
      $environmentId: String!
      $patch: EnvironmentConfig
      $commitMessage: String
    ) {
      environmentPatchCommit(
        environmentId: $environmentId
        patch: $patch
        commitMessage: $commitMessage
      )
    }
    """)

  static let serviceDelete = Operation(
    """
    mutation ShipitServiceDelete($id: String!, $environmentId: String) {
      serviceDelete(id: $id, environmentId: $environmentId)
    }
    """)

  static let customDomainDelete = Operation(
    """
    mutation ShipitCustomDomainDelete($id: String!) { customDomainDelete(id: $id) }
    """)

  static let tcpProxyDelete = Operation(
    """
    mutation ShipitTcpProxyDelete($id: String!) { tcpProxyDelete(id: $id) }
    """)

  static let privateNetworks = Operation(
    """
    query ShipitPrivateNetworks($environmentId: String!) {
      privateNetworks(environmentId: $environmentId) { publicId name dnsName deletedAt }
    }
    """)

  static let privateNetworkEndpoint = Operation(
    """
    query ShipitPrivateNetworkEndpoint(
      $environmentId: String!
      $privateNetworkId: String!
      $serviceId: String!
    ) {
      privateNetworkEndpoint(
        environmentId: $environmentId
        privateNetworkId: $privateNetworkId
        serviceId: $serviceId
      ) {
        publicId
        dnsName
        newDnsName
        syncStatus
      }
    }
    """)

  static let privateNetworkCreate = Operation(
    """
    mutation ShipitPrivateNetworkCreate($input: PrivateNetworkCreateOrGetInput!) {
      privateNetworkCreateOrGet(input: $input) { publicId }
    }
    """)

  static let privateNetworkEndpointCreate = Operation(
    """
    mutation ShipitPrivateNetworkEndpointCreate($input: PrivateNetworkEndpointCreateOrGetInput!) {
      privateNetworkEndpointCreateOrGet(input: $input) { publicId }
    }
    """)

  static let privateNetworkEndpointRename = Operation(
    """
    mutation ShipitPrivateNetworkEndpointRename(
      $id: String!
      $privateNetworkId: String!
      $dnsName: String!
    ) {
      privateNetworkEndpointRename(id: $id, privateNetworkId: $privateNetworkId, dnsName: $dnsName)
    }
    """)

  static let creating: [Operation] = [
    privateNetworks, privateNetworkEndpoint, privateNetworkCreate, privateNetworkEndpointCreate,
    privateNetworkEndpointRename,
    environmentFacts, environmentDelete, serviceDelete, customDomainDelete, tcpProxyDelete,
    projectCreate, environmentCreate, serviceCreate, template, templateDeploy, volumeCreate, domains,
    serviceDomainCreate, customDomainCreate, tcpProxies, patchCommit,
  ]
}
