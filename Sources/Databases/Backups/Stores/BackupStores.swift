package import AWS
package import Concurrency
package import HTTP
package import Model

/// Opens the places that copies are kept in.
package struct BackupStores: Sendable {
  /// The project's.
  let root: String
  private let app: String
  private let secrets: SecretValues
  private let clock: any TimeSource
  /// The variables of this process.
  private let process: [String: String]
  private let transport: any HTTPTransport
  private let account: Account
  private let keeper: VolumeCopies?

  /// By what a bucket of a region knows who asks, where the file names no secrets for it.
  package typealias Account =
    @Sendable (_ bucket: BackupBucket, _ description: String) async throws(Failure) -> Credentials

  /// - Parameters:
  ///   - root: the project's.
  ///   - app: several may share a bucket, and may call environments and databases alike.
  package init(
    root: String, app: String, secrets: SecretValues, clock: any TimeSource, process: [String: String],
    transport: any HTTPTransport, volumes: VolumeCopies? = nil, account: @escaping Account
  ) {
    self.root = root
    self.app = app
    self.secrets = secrets
    self.clock = clock
    self.process = process
    self.transport = transport
    self.account = account
    keeper = volumes
  }

  /// - Throws: `configuration` for an address that others could overhear, and for credentials that are not there;
  ///   `authentication` when there are none for a role.
  package func store(_ rule: BackupRule, _ names: BackupNames) async throws(Failure) -> any BackupStore {
    switch try rule.place {
    case .directory(let path): return BackupShelf(path, root: root, names)
    case .volume(let service): return VolumeShelf(service, try volumes(names), names)
    case .bucket(let bucket):
      let place = try place(bucket)
      let credentials = try await credentials(bucket, rule, names)
      return BackupVault(
        bucket, app: app, ObjectStorage(place, credentials: credentials, transport: transport, clock: clock),
        names)
    }
  }

  /// Who copies volumes.
  /// - Throws: `configuration` when no account of Railway is at hand.
  func volumes(_ names: BackupNames) throws(Failure) -> VolumeCopies {
    if let keeper { return keeper }
    throw Failure(
      .configuration, "the backups of \(names.database) are Railway's, and no account of Railway is at hand",
      place: "databases.\(names.database).backup.to", hint: "add platforms.railway with its token")
  }

  private func place(_ bucket: BackupBucket) throws(Failure) -> ObjectStorage.Place {
    let standard = Endpoint.address(of: "s3", variable: "S3", region: bucket.region, process)
    let endpoint = bucket.endpoint ?? standard
    guard SecretAddress.isSafe(endpoint) else {
      throw Failure(
        .configuration,
        "\(bucket.address) is not asked: the address of S3 in AWS_ENDPOINT_URL is no https address",
        hint: "unset AWS_ENDPOINT_URL; http is for this machine alone")
    }
    // A certificate for *.s3.… holds for one label, and other stores seldom have one for each bucket.
    let isPlain = endpoint.hasSuffix(".amazonaws.com") && !bucket.bucket.contains(".")
    return ObjectStorage.Place(
      bucket: bucket.bucket, region: bucket.region, endpoint: endpoint, isInPath: bucket.isInPath ?? !isPlain)
  }

  private func credentials(
    _ bucket: BackupBucket, _ rule: BackupRule, _ names: BackupNames
  ) async throws(Failure) -> Credentials {
    guard let written = rule.credentials else { return try await account(bucket, bucket.address) }
    var values: [String] = []
    for name in [written.id, written.secret] {
      guard let value = secrets[name], !value.isEmpty else {
        throw Failure(
          .configuration, "the secret \(name), by which \(bucket.address) is reached, has no value",
          place: "databases.\(names.database).backup.credentials",
          hint: "set \(name) in the environment of shipit")
      }
      values.append(value.reveal())
    }
    return Credentials(keyID: values[0], secret: values[1])
  }
}
