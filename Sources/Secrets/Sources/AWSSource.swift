import AWS
import Concurrency
import Crypto
import HTTP
import JSON
import Model

/// A secret of AWS Secrets Manager: one value, or a JSON object of several (contract secrets §2.4).
struct AWSSource: SecretSource {
  private let settings: AWSSecrets
  private let access: SecretAccess
  private let service: SecretService

  init(_ settings: AWSSecrets, _ access: SecretAccess) {
    self.settings = settings
    self.access = access
    description = "\(settings.id) in AWS Secrets Manager of \(settings.region)"
    service = SecretService(access, description: description)
  }

  let description: String

  /// Another label than the current one is somebody else's to move.
  var isWritable: Bool { settings.stage == "AWSCURRENT" }

  func read(_ names: Set<String>) async throws(Failure) -> SecretAnswer {
    if let name = settings.name, !names.contains(name) { return SecretAnswer() }
    guard let found = try await current(try await credentials()) else {
      return SecretAnswer(note: "which does not exist")
    }
    if let name = settings.name {
      guard !found.text.unicodeScalars.contains("\0") else {
        throw Failure(.configuration, "\(description) holds a zero byte, which no variable can hold")
      }
      return SecretAnswer([name: SecretReading(Sensitive(found.text), version: found.version)])
    }
    let object = try SecretObject(parsing: Array(found.text.utf8), of: description, names: settings.names)
    return SecretAnswer(try object.readings(names, version: found.version))
  }

  /// Writes a new version with the values and all that was there, and makes it the current one on the condition that the
  /// version it was made from still is: what somebody else writes in the same moment is not lost.
  func write(_ values: [String: Sensitive]) async throws(Failure) {
    guard isWritable else {
      throw Failure(
        .configuration,
        "shipit cannot write to \(description): it reads the version labelled \(settings.stage)",
        hint: "remove `stage`")
    }
    let credentials = try await credentials()
    let found = try await current(credentials)
    guard let found else {
      throw Failure(
        .configuration, "\(description) does not exist, and shipit makes none: its key and policy are yours",
        hint:
          "aws secretsmanager create-secret --region \(settings.region) --name \(settings.id) --secret-string '{}'"
      )
    }
    let text = try merged(values, into: found.text)
    guard text != found.text else { return }
    let token = Hex.encode(randomBytes(16))
    let body: JSON = [
      "SecretId": .string(settings.id), "SecretString": .string(text),
      // The same for each attempt: one that arrived without an answer is not written twice.
      "ClientRequestToken": .string(token), "VersionStages": [.string(AWSSource.draft)],
    ]
    if case .failure(let refusal) = try await call("PutSecretValue", body, credentials) {
      throw failure(refusal, "write")
    }
    let move: JSON = [
      "SecretId": .string(settings.id), "VersionStage": "AWSCURRENT", "MoveToVersionId": .string(token),
      "RemoveFromVersionId": found.version.map { .string($0) } ?? .null,
    ]
    if case .failure(let refusal) = try await call("UpdateSecretVersionStage", move, credentials) {
      // A move whose answer was lost has moved the label already.
      guard refusal.code == "InvalidParameterException" else { throw failure(refusal, "write") }
      if try await current(credentials)?.version == token { return }
      throw Failure(
        .stale, "\(description) was written by somebody else in the same moment",
        cause:
          "their values are there, and those of shipit are not; they stand in a version labelled \(AWSSource.draft)",
        hint: "type the same command again")
    }
  }

  /// The label of a version that is not the current one yet.
  private static let draft = "SHIPIT"

  private func merged(_ values: [String: Sensitive], into text: String) throws(Failure) -> String {
    if let name = settings.name {
      guard values.count == 1, let value = values[name] else {
        throw Failure(.configuration, "\(description) holds \(name) alone")
      }
      return value.reveal()
    }
    var members = try SecretObject(
      parsing: Array(text.utf8), of: description, names: settings.names
    ).members
    if let key = members.first(where: { $0.value.string == nil })?.key {
      throw Failure(
        .configuration,
        "shipit does not write to \(description): \(key) in it is no text, and might change on the way",
        hint: "keep it as text there, in quotes")
    }
    let before = members
    for (name, value) in values { members[settings.names[name] ?? name] = .string(value.reveal()) }
    return members == before ? text : JSON.object(members).serialized()
  }

  // MARK: Calls

  private struct Current {
    var text: String
    var version: String?
  }

  /// nil: there is no such secret.
  private func current(_ credentials: Credentials) async throws(Failure) -> Current? {
    let answer: JSON
    switch try await call(
      "GetSecretValue", ["SecretId": .string(settings.id), "VersionStage": .string(settings.stage)],
      credentials)
    {
    case .success(let found): answer = found
    case .failure(let refusal) where refusal.code == "ResourceNotFoundException": return nil
    case .failure(let refusal): throw failure(refusal, "read")
    }
    guard let text = answer["SecretString"]?.string else {
      throw Failure(
        .configuration, "\(description) holds bytes, not text",
        hint: "keep it there as text (--secret-string); base64 for what is none")
    }
    return Current(text: text, version: answer["VersionId"]?.string)
  }

  private func call(
    _ action: String, _ body: JSON, _ credentials: Credentials
  ) async throws(Failure) -> Result<JSON, AWSRefusal> {
    let endpoint = self.endpoint
    let bytes = Array(body.serialized().utf8)
    let signature = Signature(region: settings.region, service: "secretsmanager")
    let clock = access.clock
    let host = endpoint.split(separator: "/").dropFirst().first.map(String.init) ?? ""
    let response = try await service.send(isTransient: { AWSSource.refusal(in: $0)?.isTransient ?? false }) {
      let said = [
        ("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "secretsmanager.\(action)"),
      ]
      let signed = signature.headers(
        for: .init(method: "POST", path: "/", headers: said + [("host", host)]),
        payload: Signature.payload(of: bytes), by: credentials, at: clock.now)
      return HTTPRequest(method: "POST", url: "\(endpoint)/", headers: said + signed, body: .bytes(bytes))
    }
    if let refusal = AWSSource.refusal(in: response) { return .failure(refusal) }
    guard let answer = try? JSON(parsing: response.body) else {
      throw Failure(.failed, "\(description) answered something else than JSON")
    }
    return .success(answer)
  }

  /// By the answer's own code: the status is not the same everywhere.
  private static func refusal(in response: HTTPResponse) -> AWSRefusal? {
    guard response.status != 200 else { return nil }
    let body = try? JSON(parsing: response.body)
    let type = body?["__type"]?.string ?? body?["code"]?.string ?? "status \(response.status)"
    let code = type.split(separator: "#").last.map(String.init) ?? type
    let message = body?["message"]?.string ?? body?["Message"]?.string ?? ""
    return AWSRefusal(status: response.status, code: code, message: String(message.prefix(300)))
  }

  private func failure(_ refusal: AWSRefusal, _ verb: String) -> Failure {
    if refusal.isAboutAccess {
      let isLate =
        refusal.message.contains("Signature expired") || refusal.message.contains("not yet current")
      return Failure(
        .authentication, "\(description): AWS refuses to let it be \(verb == "read" ? "read" : "written")",
        cause: refusal.description,
        hint: isLate
          ? "this machine's clock is more than five minutes off: timedatectl"
          : "aws sts get-caller-identity, for who asks; its policy needs secretsmanager:"
            + (verb == "read"
              ? "GetSecretValue" : "PutSecretValue and secretsmanager:UpdateSecretVersionStage")
            + " and, with a key of its own, kms:Decrypt")
    }
    return Failure(
      refusal.isTransient ? .failed : .configuration,
      "\(description) cannot be \(verb == "read" ? "read" : "written")",
      cause: refusal.description,
      hint: refusal.isTransient ? "it is on AWS's side: try again in a moment" : nil)
  }

  private var endpoint: String {
    Endpoint.address(
      of: "secretsmanager", variable: "SECRETS_MANAGER", region: settings.region, access.process)
  }

  private func credentials() async throws(Failure) -> Credentials {
    guard SecretAddress.isSafe(endpoint) else { throw AWSSource.unsafe(description, "Secrets Manager") }
    return try await AWSAccount(
      access: access, service: service, region: settings.region, role: settings.role
    ).credentials()
  }

  static func unsafe(_ description: String, _ service: String) -> Failure {
    Failure(
      .configuration,
      "\(description) is not asked: the address of \(service) in AWS_ENDPOINT_URL is no https address",
      hint: "unset AWS_ENDPOINT_URL; http is for this machine alone")
  }
}
