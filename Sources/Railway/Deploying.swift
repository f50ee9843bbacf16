import Concurrency
import HTTP
import JSON
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension RailwayPlatform {
  /// Triggers exactly one deployment of the present configuration and waits for it.
  func deploy(_ request: Deployment.Request, _ step: Step, _ call: StepCall) async -> Outcome {
    if let id = call.externalID { return await wait(for: awaited(id, request, step, call), step, call) }
    let made: Result<String, Trouble>
    switch request.source {
    case .directory(let path, let root, let include):
      made = await upload(path: path, root: root, include: include, request, step, call)
    case .image(let image):
      if let trouble = await setImage(image, of: request.target) { return trouble }
      made = await trigger(commit: nil, request, call)
    case .repository(_, let commit): made = await trigger(commit: commit, request, call)
    case .commandLineBuild, .prebuilt: return .failed(foreign(step), moved: false)
    }
    switch made {
    case .failure(let trouble): return trouble.outcome
    case .success(let id):
      if let trouble = await record(id, call) { return trouble }
      return await wait(for: awaited(id, request, step, call), step, call)
    }
  }

  /// Why nothing was triggered, or why that is not known.
  struct Trouble: Error { var outcome: Outcome }

  func awaited(_ id: String, _ request: Deployment.Request, _ step: Step, _ call: StepCall) -> Awaited {
    var awaited = Awaited(
      id: id, target: request.target, marker: call.marker(of: step), image: nil, commit: nil,
      cutOver: request.cutOver, beganAt: call.beganAt)
    awaited.hasPrevious = request.previous != nil
    switch request.source {
    case .directory, .commandLineBuild, .prebuilt: break
    case .image(let image): awaited.image = image
    case .repository(_, let commit): awaited.commit = commit
    }
    return awaited
  }

  /// The image first: it deploys nothing by itself, and `serviceInstanceDeployV2` takes what is configured.
  private func setImage(_ image: String, of target: ServiceTarget) async -> Outcome? {
    let doing = "setting the image of \(target.name)"
    let current: ServiceDetails
    do { current = try await client.details(of: target) } catch { return await reading(error, doing) }
    if current.image == image { return nil }
    return await update(
      target, ["source": ["image": .string(image)]], replicas: current.settings.replicas, doing,
      isApplied: { $0.image == image })
  }

  private func trigger(commit: String?, _ request: Deployment.Request, _ call: StepCall)
    async -> Result<String, Trouble>
  {
    let doing = "deploying \(request.target.name)"
    do throws(APIError) {
      let data = try await client.mutate(
        Documents.deploy,
        [
          "serviceId": .string(request.target.serviceID),
          "environmentId": .string(request.target.place.environment),
          "commitSha": commit.map { .string($0) } ?? .null,
        ])
      guard let id = data["serviceInstanceDeployV2"]?.string, !id.isEmpty else {
        throw APIError(.malformed, "an answer without the deployment's id", operation: Documents.deploy.name)
      }
      return .success(id)
    } catch { return .failure(Trouble(outcome: error.outcome(doing, token: await tokenWords()))) }
  }

  private func upload(
    path: String, root: String?, include: [String], _ request: Deployment.Request, _ step: Step,
    _ call: StepCall
  ) async -> Result<String, Trouble> {
    call.report(.progress("packing \(path)"))
    let packed: PackedSource
    do {
      packed = try await packer.pack(path: path, root: root, include: include, commit: request.commit)
    } catch { return .failure(Trouble(outcome: .failed(error, moved: false))) }
    defer { unlink(packed.file) }
    call.report(
      .progress(
        "uploading \(packed.files) file\(packed.files == 1 ? "" : "s"), \(max(1, packed.bytes / 1024)) KiB"))
    let message = "\(call.marker(of: step)) \(request.commit)"
    let left = max(.seconds(5), call.deadline - clock.now)
    do {
      return .success(
        try await client.upload(
          packed.file, to: request.target, message: message, timeout: min(left, .seconds(600))))
    } catch {
      return .failure(
        Trouble(
          outcome: error.outcome("uploading the source of \(request.target.name)", token: await tokenWords()))
      )
    }
  }
}

extension RailwayClient {
  /// Uploads an archive, which deploys it, and gives the deployment's id.
  ///
  /// An answer that does not come says nothing: the deployment may have been made.
  func upload(_ file: String, to target: ServiceTarget, message: String, timeout: Duration)
    async throws(APIError) -> String
  {
    let operation = "up"
    let authorization = try await identity(.read).authorization(token)
    let place = target.place
    let request = HTTPRequest(
      method: "POST",
      url: "\(baseURL)/project/\(place.project)/environment/\(place.environment)/up"
        + "?serviceId=\(RailwayClient.percentEncoded(target.serviceID))"
        + "&message=\(RailwayClient.percentEncoded(message))",
      headers: [
        ("Content-Type", "application/gzip"), ("Accept", "application/json"),
        ("User-Agent", userAgent), (authorization.name, authorization.value.reveal()),
      ], body: .file(path: file), timeout: timeout)
    let response = try await send(request, operation, isMutation: true, .seconds(60))
    let answer = try? JSON(parsing: response.body)
    let words = scrub(answer?["message"]?.string ?? response.text, [])
    func error(_ kind: APIError.Class) -> APIError {
      APIError(
        kind, words.isEmpty ? "HTTP \(response.status)" : words, operation: operation, status: response.status
      )
    }
    switch response.status {
    case 200..<300:
      guard let id = answer?["deploymentId"]?.string, !id.isEmpty else { throw error(.malformed) }
      return id
    case 401, 403: throw error(.forbidden)
    case 404: throw error(.notFound)
    case 413: throw error(.tooLarge)
    case 400..<500:
      let kind = APIError.Class(message: words, code: nil)
      throw error(kind == .unclassified ? .input : kind)
    default: throw error(.malformed)
    }
  }

  /// For a query: everything but letters, digits, `-._~` is encoded.
  static func percentEncoded(_ text: String) -> String {
    let hex = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        bytes.append(byte)
      default: bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
