import Concurrency
import HTTPServer
import JSON

/// `POST /project/:p/environment/:e/up`, contract §12.
extension TwinCore {
  func upload(_ call: Call, project: String, environment: String) async -> ServerResponse {
    guard call.request.method == "POST" else { return .page(405) }
    guard let token = call.token else { return .json(401, ["message": "Not Authorized"]) }
    let key: InstanceKey
    do {
      let place = try world.environment(environment, for: token)
      guard place.project == project, place.canAccess else { throw World.notAuthorized }
      key = try world.instance(call.service ?? "", in: environment, for: token).key
    } catch {
      return error as? Refusal == World.notAuthorized
        ? .json(401, ["message": "Not Authorized"]) : .json(404, ["message": "Service instance not found"])
    }
    guard call.request.body.count <= world.switches.uploadLimit else {
      return ServerResponse(
        status: 413, headers: [("Content-Type", "text/plain")], body: .bytes(Array("Payload Too Large".utf8)))
    }
    let archive = world.mint()
    do {
      try await runtime.keep(archive: call.request.body, as: archive)
    } catch {
      return .json(
        400, ["message": .string((error as? ArchiveRefused)?.message ?? String(describing: error))])
    }
    settle()
    let message = call.request.query.first { $0.name == "message" }?.value
    let id = world.upload(archive: archive, message: message, to: key)
    settle()
    let page = "https://railway.example/project/\(project)/service/\(key.service)?id=\(id)"
    return .json(
      200,
      [
        "deploymentId": .string(id), "url": .string(page), "logsUrl": .string(page + "&tab=logs"),
        "deploymentDomain": .string(world.instances[key]?.address ?? ""),
      ])
  }
}
