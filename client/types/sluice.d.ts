export type Options = {
    /**
     * returns a JWT; called for each connection and before the last
     * token expires. Omit it if a cookie authenticates
     */
    token?: () => string | Promise<string>;
    /**
     * a payload as it was published,
     * and its channel; `undefined` if the server speaks only version 1 of the protocol
     */
    onMessage?: (data: string | ArrayBuffer, from: {
        channel?: string;
    }) => void;
    /**
     * the channel is
     * subscribed; repeated after each reconnect. If `retained`, the newest publication follows
     */
    onSubscribed?: (subscribed: {
        channel: string;
        retained: boolean;
    }) => void;
    /**
     * how many publications the server
     * skipped because this client is too slow; the newest follows
     */
    onMissed?: (missed: {
        channel: string;
        count: number;
    }) => void;
    /**
     * publications may be lost,
     * of all channels or of this one; once `until` is set, fetch the current state
     */
    onGap?: (gap: {
        since: string;
        until: string | null;
        channel?: string;
    }) => void;
    /**
     * the users who hear a channel that was subscribed with `presence`: at
     * first and after each reconnect, then whenever one has joined or left
     */
    onPresence?: (present: Present) => void;
    /**
     * an error code of the
     * protocol; or `revoked`: the right to a channel ended; or `no_token`: `token()` failed to renew; `bad_channel` also
     * for names that the module does not send
     */
    onError?: (error: {
        code: string;
        message: string;
        channel?: string;
    }) => void;
    onState?: (state: State) => void;
    /**
     * ms, at least the server's `sluice.heartbeat.interval`; after three without a message
     * the module reconnects
     */
    heartbeat?: number;
    /**
     * ms for each: connecting, `token()` included; `token()` on renewal, then the answer; the
     * answer to a subscription, which is then repeated
     */
    timeout?: number;
    /**
     * bytes, at most the server's `sluice.max-frame`; the longest message it sends
     */
    maxFrame?: number;
    /**
     * ms, the longest delay before the first reconnect; doubles with each attempt
     */
    firstDelay?: number;
    /**
     * ms, the longest delay before any reconnect
     */
    maxDelay?: number;
    /**
     * replaces the global constructor
     */
    WebSocket?: new (url: string, protocols?: string[]) => WebSocket;
};
export type Listener = Pick<Options, 'onMessage' | 'onSubscribed' | 'onMissed' | 'onGap' | 'onPresence' | 'onError' | 'onState'>;
export type Present = {
    channel: string;
    users: string[];
    complete: boolean;
    joined?: string;
    left?: string;
};
export type State = {
    name: 'connecting';
} | {
    name: 'open';
    user: string;
} | {
    name: 'waiting';
    delay: number;
    code: number;
    reason: string;
} | {
    name: 'closed';
    code: number;
    reason: string;
};
export type Renewal = {
    id: string;
    token: string;
    receivedAt: number;
    pending: boolean;
    answered: (accepted: boolean) => void;
};
export declare class Sluice {
    #private;
    /**
     * Starts to connect.
     *
     * @param {string | URL} url absolute, or relative to the page: `/ws`
     * @param {Options} [options]
     */
    constructor(url: string | URL, options?: Options);
    get state(): State;
    /**
     * Subscribes to a channel, now and after each reconnect. The subscription ends with the last of its callers.
     * Invalid names are not sent; `onError` gets `bad_channel`.
     *
     * @param {string} channel such as `upload:42`
     * @param {{presence?: boolean}} [options] `presence`: whether `onPresence` tells who hears the channel. The server must
     *   allow that on the channel's route, and speak version 2 of the protocol
     * @returns {() => void} unsubscribes
     */
    subscribe(channel: string, { presence }?: {
        presence?: boolean;
    }): () => void;
    /**
     * Adds functions that are called after those in the options, for example for a component of the page.
     *
     * @param {Listener} listener
     * @returns {() => void} removes them
     */
    listen(listener: Listener): () => void;
    /**
     * Renews the token now, for example when it should grant more. The module renews it before it expires by itself.
     *
     * @returns {Promise<boolean>} whether the server accepted it in time; otherwise the last token still counts. Also
     *   false without a connection. Rejects if `token()` gives none in time
     */
    refresh(): Promise<boolean>;
    /** Closes the connection; final. */
    close(): void;
}
