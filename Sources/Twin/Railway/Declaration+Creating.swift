extension RailwayDeclaration {
  /// What is made, with its networking and its templates.
  static let creating = """
    type CustomDomainStatus {
      certificateErrorMessage: String
      certificateErrorType: CertificateErrorType
      certificateRetryable: Boolean
      certificateStatus: CertificateStatus!
      certificateStatusDetailed: CertificateStatusDetailed
      dnsRecords: [DNSRecords!]!
      verificationDnsHost: String
      verificationToken: String
      verified: Boolean!
    }

    type DNSRecords {
      currentValue: String!
      fqdn: String!
      hostlabel: String!
      purpose: DNSRecordPurpose!
      recordType: DNSRecordType!
      requiredValue: String!
      status: DNSRecordStatus!
      zone: String!
    }

    enum CertificateStatus {
      CERTIFICATE_STATUS_TYPE_ISSUE_FAILED CERTIFICATE_STATUS_TYPE_ISSUING
      CERTIFICATE_STATUS_TYPE_UNSPECIFIED CERTIFICATE_STATUS_TYPE_VALID
      CERTIFICATE_STATUS_TYPE_VALIDATING_OWNERSHIP UNRECOGNIZED
    }

    enum CertificateStatusDetailed {
      CERTIFICATE_STATUS_TYPE_DETAILED_CLEANING_UP CERTIFICATE_STATUS_TYPE_DETAILED_COMPLETE
      CERTIFICATE_STATUS_TYPE_DETAILED_CREATING_ORDER
      CERTIFICATE_STATUS_TYPE_DETAILED_DOWNLOADING_CERTIFICATE CERTIFICATE_STATUS_TYPE_DETAILED_FAILED
      CERTIFICATE_STATUS_TYPE_DETAILED_FETCHING_AUTHORIZATIONS
      CERTIFICATE_STATUS_TYPE_DETAILED_FINALIZING_ORDER CERTIFICATE_STATUS_TYPE_DETAILED_GENERATING_KEYS
      CERTIFICATE_STATUS_TYPE_DETAILED_INITIATING_CHALLENGES
      CERTIFICATE_STATUS_TYPE_DETAILED_POLLING_AUTHORIZATIONS
      CERTIFICATE_STATUS_TYPE_DETAILED_PRESENTING_CHALLENGES CERTIFICATE_STATUS_TYPE_DETAILED_UNSPECIFIED
      UNRECOGNIZED
    }

    enum CertificateErrorType {
      CERTIFICATE_ERROR_TYPE_AUTHORIZATION_FAILED CERTIFICATE_ERROR_TYPE_DNS_VALIDATION
      CERTIFICATE_ERROR_TYPE_INTERNAL CERTIFICATE_ERROR_TYPE_KEY_GENERATION
      CERTIFICATE_ERROR_TYPE_ORDER_CREATION CERTIFICATE_ERROR_TYPE_RATE_LIMIT
      CERTIFICATE_ERROR_TYPE_UNSPECIFIED UNRECOGNIZED
    }

    enum DNSRecordPurpose {
      DNS_RECORD_PURPOSE_ACME_DNS01_CHALLENGE DNS_RECORD_PURPOSE_TRAFFIC_ROUTE
      DNS_RECORD_PURPOSE_UNSPECIFIED UNRECOGNIZED
    }

    enum DNSRecordStatus {
      DNS_RECORD_STATUS_PROPAGATED DNS_RECORD_STATUS_REQUIRES_UPDATE DNS_RECORD_STATUS_UNSPECIFIED
      UNRECOGNIZED
    }

    enum DNSRecordType {
      DNS_RECORD_TYPE_A DNS_RECORD_TYPE_CNAME DNS_RECORD_TYPE_NS DNS_RECORD_TYPE_TXT
      DNS_RECORD_TYPE_UNSPECIFIED UNRECOGNIZED
    }

    enum TCPProxySyncStatus {
      ACTIVE CREATING DELETED DELETING UNSPECIFIED UPDATING
    }

    enum PrivateNetworkEndpointSyncStatus {
      ACTIVE CREATING DELETED DELETING UNSPECIFIED UPDATING
    }

    type PrivateNetwork {
      createdAt: DateTime
      deletedAt: DateTime
      dnsName: String!
      environmentId: String!
      name: String!
      projectId: String!
      publicId: String!
      tags: [String!]!
    }

    type PrivateNetworkEndpoint {
      createdAt: DateTime
      deletedAt: DateTime
      dnsName: String!
      newDnsName: String
      privateIps: [String!]!
      publicId: String!
      serviceInstanceId: String!
      syncStatus: PrivateNetworkEndpointSyncStatus!
      tags: [String!]!
    }

    input PrivateNetworkCreateOrGetInput {
      environmentId: String!
      name: String!
      projectId: String!
      tags: [String!]!
    }

    input PrivateNetworkEndpointCreateOrGetInput {
      environmentId: String!
      privateNetworkId: String!
      serviceId: String!
      serviceName: String!
      tags: [String!]!
    }

    enum EnvironmentPatchStatus {
      APPLYING COMMITTED STAGED
    }

    scalar SerializedTemplateConfig

    type Template implements Node {
      code: String!
      id: ID!
      name: String!
      serializedConfig: SerializedTemplateConfig
    }

    type TemplateDeployPayload {
      projectId: String!
      workflowId: String
    }

    type TCPProxy {
      applicationPort: Int!
      createdAt: DateTime
      deletedAt: DateTime
      domain: String!
      environmentId: String!
      id: ID!
      proxyPort: Int!
      serviceId: String!
      syncStatus: TCPProxySyncStatus!
      updatedAt: DateTime
    }

    type EnvironmentPatch implements Node {
      appliedAt: DateTime
      createdAt: DateTime!
      environmentId: String!
      id: ID!
      lastAppliedError: String
      message: String
      patch(decryptVariables: Boolean): EnvironmentConfig!
      status: EnvironmentPatchStatus!
      updatedAt: DateTime!
    }

    input ProjectCreateInput {
      defaultEnvironmentName: String
      description: String
      isMonorepo: Boolean
      isPublic: Boolean
      name: String
      prDeploys: Boolean
      workspaceId: String
    }

    input EnvironmentCreateInput {
      applyChangesInBackground: Boolean
      ephemeral: Boolean
      name: String!
      projectId: String!
      skipInitialDeploys: Boolean
      sourceEnvironmentId: String
      stageInitialChanges: Boolean
    }

    input ServiceDomainCreateInput {
      environmentId: String!
      serviceId: String!
      targetPort: Int
    }

    input CustomDomainCreateInput {
      domain: String!
      environmentId: String!
      projectId: String!
      serviceId: String!
      targetPort: Int
    }

    input TemplateDeployV2Input {
      environmentId: String
      existingRootServiceId: String
      projectId: String
      serializedConfig: SerializedTemplateConfig!
      stageOnly: Boolean
      templateId: String!
      workspaceId: String
    }

    input VolumeCreateInput {
      environmentId: String
      mountPath: String!
      projectId: String!
      region: String
      serviceId: String
    }
    """
}
