# The native `gatehouse` command: the helper that joins an agent's namespace and makes its sockets. The context is its published folder.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
RUN find / -xdev -perm /6000 -exec chmod a-s {} +
COPY gatehouse /usr/local/bin/gatehouse
LABEL org.opencontainers.image.title="Gatehouse sandbox" org.opencontainers.image.licenses="MIT" dev.gatehouse.image="sandbox"
USER 1654:1654
ENTRYPOINT ["/usr/local/bin/gatehouse"]
