# Berth's image: one static binary, certificate authorities, and the folders from which the volumes take their owner.
# The context is a folder that `scripts/image` prepares; it holds nothing else.
FROM scratch
COPY --chown=65532:65532 root/ /
USER 65532:65532
ENV BERTH_ADMIN_LISTEN=0.0.0.0:8001 BERTH_DATA_FOLDER=/data BERTH_PROXY_FOLDER=/proxy
# Small at rest: garbage goes when it is half of what lives, and SQLite's C code has one pool instead of one a thread.
# Go collects harder before its memory comes near the controller's limit in docker-compose.yml, where the kernel kills.
ENV GOGC=50 MALLOC_ARENA_MAX=1 GOMEMLIMIT=200MiB
EXPOSE 8001
ENTRYPOINT ["/berth"]
CMD ["serve"]
