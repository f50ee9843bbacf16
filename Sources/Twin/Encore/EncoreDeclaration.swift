import GraphQL

/// Our own declaration of that part of Encore's GraphQL API which the CLI uses (contract §3, §10); the
/// platform publishes no schema.
enum EncoreDeclaration {
  static let text = """
    type Query {
      app(slug: String!): App
    }

    type Mutation {
      createSecretGroups(input: CreateSecretGroups!): [SecretGroup!]!
      createSecretVersion(input: CreateSecretVersion!): SecretVersion!
      updateSecretGroup(input: UpdateSecretGroup!): SecretGroup!
    }

    scalar Time

    type App {
      id: ID!
      slug: String!
      secrets(keys: [String!]): [Secret!]!
    }

    type Secret {
      key: String!
      groups: [SecretGroup!]!
    }

    type SecretGroup {
      id: ID!
      key: String!
      etag: String!
      description: String!
      selector: [SecretSelector!]!
      versions: [SecretVersion!]!
      archivedAt: Time
      destroyedAt: Time
    }

    type SecretVersion {
      id: ID!
    }

    union SecretSelector = SecretSelectorEnvType | SecretSelectorSpecificEnv

    type SecretSelectorEnvType {
      kind: String!
    }

    type SecretSelectorSpecificEnv {
      env: Env!
    }

    type Env {
      id: ID!
      name: String!
    }

    input CreateSecretGroups {
      appID: ID!
      key: String!
      entries: [CreateSecretGroupEntry!]!
    }

    input CreateSecretGroupEntry {
      plaintextValue: String!
      envTypes: [String!]!
      envIDs: [ID!]!
      description: String
    }

    input CreateSecretVersion {
      groupID: ID!
      plaintextValue: String!
      etag: String!
    }

    input UpdateSecretGroup {
      id: ID!
      etag: String
      selector: SecretSelectorInput
      archived: Boolean
      delete: Boolean
      description: String
    }

    input SecretSelectorInput {
      envTypes: [String!]!
      envIDs: [ID!]!
    }
    """

  /// Read once: every twin of a process shares it.
  static let schema = Result { try Schema(sdl: text) }
}
