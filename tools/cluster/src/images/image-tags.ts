/** The images of a cluster. */
export interface ImageTags {
  readonly overlay: string;
  readonly etcd: string;
  readonly workload: string;
  /** A Docker Engine for every host. */
  readonly engine?: string;
}

/** Tags that change with what the images are made of. */
export function planImageTags(key: string, docker: boolean): ImageTags {
  return {
    overlay: `overlay:${key}`,
    etcd: `overlay-etcd:${key}`,
    workload: `overlay-workload:${key}`,
    ...(docker ? { engine: `overlay-engine:${key}` } : {}),
  };
}
