import HTTPServer
extension TwinCore { func control(_ request: ServerRequest) -> ServerResponse { .page(404) } }
