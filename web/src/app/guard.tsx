// One page that fails takes no other with it.
import { Component, type ReactNode } from "react";
import { Failed } from "../parts/states";

export class Guard extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return <Failed what="show this page" error={this.state.error} retry={() => this.setState({ error: null })} />;
  }
}
